import type { APIGatewayProxyEvent } from 'aws-lambda'
import { BorealError } from '../model/errors.ts'

/** Bodies may have so many bytes. */
export const MAX_BODY_BYTES = 5 * 1024 * 1024

/** The body as JSON. @throws BorealError `unsupported_media_type`, `too_large` or `malformed` */
export function parseBody(event: APIGatewayProxyEvent, headers: Record<string, string | undefined>): unknown {
  const type = headers['content-type']
  if (type !== undefined && !/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new BorealError('unsupported_media_type', `the body must be application/json, not ${type}`)
  }
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    throw new BorealError('unsupported_media_type', `the body must not be encoded, but is ${encoding}`)
  }
  const text = bodyText(event)
  if (Buffer.byteLength(text) > MAX_BODY_BYTES) throw bodyTooLarge()
  try {
    return JSON.parse(text, isSuspect(text) ? refusePrototype : undefined)
  } catch (error) {
    if (error instanceof BorealError) throw error
    throw new BorealError('malformed', `the body is not JSON: ${(error as Error).message}`, { cause: error })
  }
}

/** Texts that may have a key `__proto__`, plain or escaped. */
function isSuspect(text: string): boolean {
  return text.includes('__proto__') || text.includes('\\u005f') || text.includes('\\u005F')
}

/** Such a key is no field of ours, and objects made from it would not have it: it would be dropped without a word. */
function refusePrototype(key: string, value: unknown): unknown {
  if (key !== '__proto__') return value
  throw new BorealError('invalid_field', '__proto__: is not a name that can be used here', {
    errors: [{ path: '__proto__', message: 'is not a name that can be used here' }],
  })
}

export function bodyTooLarge(): BorealError {
  return new BorealError('too_large', `a body may have at most ${MAX_BODY_BYTES} bytes; divide the request`)
}

function bodyText({ body, isBase64Encoded }: APIGatewayProxyEvent): string {
  if (!isBase64Encoded) return body ?? ''
  return utf8(Buffer.from(body ?? '', 'base64'))
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Bytes as text. Broken UTF-8 is an error: replaced by question marks it would become other data. */
export function utf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (error) {
    throw new BorealError('malformed', 'the body is not valid UTF-8', { cause: error })
  }
}
