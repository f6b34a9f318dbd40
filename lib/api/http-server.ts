import { setMaxListeners } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Context } from 'aws-lambda'
import { BorealError } from '../model/errors.ts'
import type { ApiEvent, ApiHandler, ApiResult } from './handler.ts'
import { LARGE_BODY_BYTES, LargeAnswers } from './large-answers.ts'
import { PROBLEM_TYPE, problemOf } from './problem.ts'
import { bodyTooLarge, MAX_BODY_BYTES, utf8 } from './request-body.ts'
import { parseTarget } from './request-target.ts'

/** So much of a body that is too large is read all the same: a client that is still sending would not see the answer. */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024

export interface HttpServerOptions {
  /** 0 takes a free port. */
  port: number
  /** Default: loopback only. */
  host?: string | undefined
  /** An answer that lasts, of no route of the API's. */
  stream?: StreamRoute | undefined
}

export interface StreamRoute {
  path: string
  /** Answers until somebody has enough, or the server stops. @throws what the request is refused with */
  handle(request: IncomingMessage, response: ServerResponse, stopping: AbortSignal): Promise<void>
}

export interface RunningServer {
  url: string
  /** Takes no new requests, waits for those on their way, and ends. */
  close(): Promise<void>
}

/** Serves the API's handler over node:http, by turning requests into API Gateway REST events. */
export async function serveHttp(handler: ApiHandler, options: HttpServerOptions): Promise<RunningServer> {
  const stopping = new AbortController()
  const { stream } = options
  const largeAnswers = new LargeAnswers()
  const isStream = (url = '') => stream !== undefined && (url === stream.path || url.startsWith(`${stream.path}?`))
  // Each stream listens.
  setMaxListeners(0, stopping.signal)
  const server = createServer({ keepAliveTimeout: 65_000, requestTimeout: 60_000 }, (request, response) => {
    const answer = async () => {
      if (!isStream(request.url)) return handler(await eventOf(request), {} as Context)
      await stream!.handle(request, response, stopping.signal)
      return undefined
    }
    void respond(request, response, answer, largeAnswers, () => server.listening)
  })
  const host = options.host ?? '127.0.0.1'
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, options.port)))
    server.listen(options.port, host, resolve)
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`, close: () => close(server, stopping) }
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  answer: () => Promise<ApiResult | undefined>,
  largeAnswers: LargeAnswers,
  goesOn: () => boolean,
): Promise<void> {
  let result: ApiResult
  try {
    const given = await answer()
    if (given === undefined) return
    result = given
  } catch (error) {
    const problem = problemOf(error)
    result = {
      statusCode: problem.status,
      headers: { 'Content-Type': PROBLEM_TYPE },
      body: JSON.stringify(problem),
    }
  }
  // What was not read of the body would be taken for the next request. And clients that go on asking would keep a server
  // that stops from its end.
  if (!request.complete || !goesOn()) response.setHeader('Connection', 'close')
  const bytes = Buffer.byteLength(result.body)
  const headers = { 'Content-Length': bytes, ...(result.headers as Record<string, string>) }
  const send = (body?: string | Buffer) => {
    response.writeHead(result.statusCode, headers)
    response.end(body)
  }
  if (request.method === 'HEAD') send()
  else if (bytes > LARGE_BODY_BYTES) await largeAnswers.send(kindOf(result.body), () => send(result.body))
  // Text, because then headers and body leave together in one write.
  else send(String(result.body))
}

/** Large records come as bytes, and are the same for all who ask (kept-records.ts). */
function kindOf(body: string | Buffer): 'record' | 'page' {
  return typeof body === 'string' ? 'page' : 'record'
}

async function eventOf(request: IncomingMessage): Promise<ApiEvent> {
  const event = {
    httpMethod: request.method ?? 'GET',
    path: request.url ?? '/',
    headers: request.headers as Record<string, string>,
    multiValueQueryStringParameters: null as Record<string, string[]> | null,
    body: null as string | null,
    isBase64Encoded: false,
    refusal: undefined as Error | undefined,
  }
  try {
    event.body = await readBody(request)
    const { path, query } = parseTarget(event.path)
    event.path = path
    event.multiValueQueryStringParameters = query
  } catch (error) {
    event.refusal = error as Error
  }
  return event as unknown as ApiEvent
}

/** With listeners: an iterator over the request would cost more than all else that is done with a small one. */
function readBody(request: IncomingMessage): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk)
      else if (bytes > MAX_DISCARDED_BYTES) {
        request.pause()
        reject(bodyTooLarge())
      }
    })
    request.once('error', reject)
    request.once('end', () => {
      try {
        if (bytes > MAX_BODY_BYTES) throw bodyTooLarge()
        resolve(bytes === 0 ? null : utf8(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
      } catch (error) {
        reject(error as Error)
      }
    })
  })
}

async function close(server: Server, stopping: AbortController): Promise<void> {
  stopping.abort()
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code !== 'EADDRINUSE') return error
  return new BorealError('not_ready', `port ${port} of ${host} is in use; choose another with --port`)
}
