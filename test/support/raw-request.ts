import { request } from 'node:http'
import { ADMIN_TOKEN, type Answer } from './test-api.ts'

export interface RawRequest {
  method?: string
  /** Goes over the wire as it is: nothing is normalized or encoded. */
  path: string
  headers?: Record<string, string>
  body?: string | Uint8Array
  /** Without Content-Length. */
  chunked?: boolean
}

/** A request that `fetch` would not send, or would send differently. */
export function rawRequest(
  url: string,
  { method = 'GET', path, headers = {}, body, chunked }: RawRequest,
): Promise<Answer> {
  const { hostname, port } = new URL(url)
  const length = body === undefined || chunked ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const all = { authorization: `Bearer ${ADMIN_TOKEN}`, ...length, ...headers }
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers: all, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        resolve({
          status: response.statusCode!,
          headers: new Headers(response.headers as Record<string, string>),
          body: text === '' ? undefined : JSON.parse(text),
        })
      })
    })
    sent.on('error', reject)
    if (chunked) sent.flushHeaders()
    sent.end(body)
  })
}
