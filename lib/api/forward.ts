import type { APIGatewayProxyResult } from 'aws-lambda'
import type { Agent } from 'undici'
import { BorealError } from '../model/errors.ts'
import { loadHttpClient } from '../model/http-client.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Leader, Leadership } from '../node/node.ts'
import type { ApiEvent } from './handler.ts'

/** Says that a request was passed on by another node: it is not passed on again. */
export const FORWARDED = 'boreal-forwarded'

/** Ms that whoever asks still waits. */
export const TIMEOUT = 'boreal-timeout-ms'

/** What a forwarded request takes along. */
const REQUEST_HEADERS = ['authorization', 'content-type', 'idempotency-key', 'boreal-store', 'boreal-reason']

/** What an answer does not take along: it is about the connection between the nodes. */
const CONNECTION_HEADERS = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'date'])

/** Nobody waits longer for an answer: an API Gateway gives up after 29 s. */
const LONGEST_MS = 26_000

/** So long a request waits for somebody to lead. */
const NO_LEADER_MS = 1_500

/** So long one waits that was sent to a leader who has gone: who comes after him knows what became of it. */
const NEXT_LEADER_MS = 6_000

/** When somebody else leads by now, the one before is given so long to answer what he has. */
const DEPOSED_MS = 300

/** Between two looks whether the leader can be reached. */
const AGAIN_MS = 50

type Sent =
  | { kind: 'answered'; answer: APIGatewayProxyResult }
  /** No byte of it reached the leader, or he did nothing with it. */
  | { kind: 'unsent' }
  /** It may have been carried out. */
  | { kind: 'broken' }

/**
 * Passes requests on to the node that leads. A request is sent a second time only when nothing came of the first one, or
 * to end the doubt about it, which its idempotency key makes safe.
 */
export class Forwarder {
  #agent: Promise<Agent> | undefined

  /**
   * The answer of the node that leads, as it is; undefined when by now that is this one.
   *
   * @throws BorealError `not_ready` when nobody leads, `outcome_unknown` when it is not known what came of the request
   */
  async forward(
    event: ApiEvent,
    { leadership, runtime }: { leadership: Leadership; runtime: Runtime },
  ): Promise<APIGatewayProxyResult | undefined> {
    const deadline = runtime.monotonic() + LONGEST_MS
    let waitUntil = runtime.monotonic() + NO_LEADER_MS
    let broken = 0
    for (;;) {
      if (leadership.leads) return undefined
      const leader = leadership.other
      if (leader !== undefined && broken < 2) {
        const sent = await this.#send(event, leader, { leadership, runtime, deadline })
        if (sent.kind === 'answered') return sent.answer
        if (sent.kind === 'broken') {
          broken++
          waitUntil = Math.min(deadline, runtime.monotonic() + NEXT_LEADER_MS)
        }
      }
      if (broken > 1 || runtime.monotonic() >= waitUntil) throw broken > 0 ? outcomeUnknown() : nobodyLeads(leader)
      await leadership.nextChange(AGAIN_MS)
    }
  }

  async #send(
    event: ApiEvent,
    leader: Leader,
    { leadership, runtime, deadline }: { leadership: Leadership; runtime: Runtime; deadline: number },
  ): Promise<Sent> {
    const ended = new AbortController()
    const giveUp = new AbortController()
    void whenDeposed(leader, { leadership, runtime, deadline }, ended.signal).then(() => giveUp.abort())
    try {
      const { statusCode, headers, body } = await (await this.#connected()).request({
        origin: leader.endpoint,
        path: event.path + queryOf(event),
        method: event.httpMethod as 'GET' | 'POST' | 'DELETE',
        headers: headersOf(event, deadline - runtime.monotonic()),
        body: bodyOf(event),
        signal: giveUp.signal,
      })
      const text = await body.text()
      // He was about to stop, or has been deposed: nothing was done.
      if (statusCode === 503 && isNotLeader(text)) return { kind: 'unsent' }
      return { kind: 'answered', answer: { statusCode, headers: passedOn(headers), body: text } }
    } catch (error) {
      return { kind: isUnsent(error) ? 'unsent' : 'broken' }
    } finally {
      ended.abort()
    }
  }

  #connected(): Promise<Agent> {
    const options = { connections: 256, connect: { timeout: 500 }, headersTimeout: 0, bodyTimeout: 10_000 }
    this.#agent ??= loadHttpClient().then(({ Agent }) => new Agent(options))
    return this.#agent
  }
}

/** Resolves when nobody need wait for this leader any more: at the deadline, or when another one has long taken over. */
async function whenDeposed(
  { term }: Leader,
  { leadership, runtime, deadline }: { leadership: Leadership; runtime: Runtime; deadline: number },
  ended: AbortSignal,
): Promise<void> {
  while (leadership.term === term && runtime.monotonic() < deadline && !ended.aborted) {
    await leadership.nextChange(deadline - runtime.monotonic(), ended)
  }
  await runtime.sleep(Math.min(DEPOSED_MS, Math.max(0, deadline - runtime.monotonic())), ended)
}

function headersOf({ headers }: ApiEvent, leftMs: number): Record<string, string> {
  const passed = REQUEST_HEADERS.filter((name) => headers[name] !== undefined).map((name) => [name, headers[name]!])
  // A little less, so that the leader's own answer comes before we give up.
  return { ...Object.fromEntries(passed), [FORWARDED]: '1', [TIMEOUT]: String(Math.max(1, Math.round(leftMs - 1_000))) }
}

function queryOf({ multiValueQueryStringParameters: query }: ApiEvent): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, values]) =>
    (values ?? []).map((value): [string, string] => [name, value]),
  )
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`
}

function bodyOf({ body, isBase64Encoded }: ApiEvent): Buffer | string | null {
  return isBase64Encoded && body !== null ? Buffer.from(body, 'base64') : body
}

function passedOn(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const passed = Object.entries(headers).filter(([name, value]) => value !== undefined && !CONNECTION_HEADERS.has(name))
  return Object.fromEntries(passed.map(([name, value]) => [name, String(value)]))
}

function isNotLeader(text: string): boolean {
  try {
    return JSON.parse(text).code === 'not_leader'
  } catch {
    return false
  }
}

const UNSENT_CODES = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'])

/** A connection that never stood. The same codes from one that stood come after something may have been sent. */
function isUnsent(error: unknown): boolean {
  const { code, syscall } = error as { code?: string; syscall?: string }
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return true
  return (syscall === 'connect' || syscall === 'getaddrinfo') && code !== undefined && UNSENT_CODES.has(code)
}

function nobodyLeads(unreachable: Leader | undefined): BorealError {
  const why =
    unreachable === undefined ? 'no node leads at the moment' : `${unreachable.endpoint} leads and does not answer`
  return new BorealError(
    'not_ready',
    `${why}; nothing was done. Send it again with the same Idempotency-Key; another node takes over within seconds, ` +
      'and GET /v1/status tells who leads',
    { retryAfter: 1 },
  )
}

function outcomeUnknown(): BorealError {
  return new BorealError(
    'outcome_unknown',
    'the node that led went away with the request, and it is not known whether it was carried out; send it again with the ' +
      'same Idempotency-Key, or ask GET /v1/transactions/{key}',
  )
}
