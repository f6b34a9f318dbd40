import { BorealError } from '../model/errors.ts'

/** What a request asks for: the path as it came, and the query decoded. */
export interface RequestTarget {
  path: string
  query: Record<string, string[]>
}

/**
 * Takes a request target apart. Nothing is normalized, so no path can be written as another one; and a percent-encoding
 * that is broken is an error, because replaced by question marks it would ask for something else.
 *
 * @throws BorealError `malformed`
 */
export function parseTarget(target: string): RequestTarget {
  const split = target.indexOf('?')
  if (split < 0) return { path: target, query: {} }
  const query: Record<string, string[]> = {}
  for (const pair of target.slice(split + 1).split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decode(equals < 0 ? pair : pair.slice(0, equals))
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1))
    if (Object.hasOwn(query, name)) query[name]!.push(value)
    else Object.defineProperty(query, name, { value: [value], enumerable: true })
  }
  return { path: target.slice(0, split), query }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (error) {
    throw new BorealError('malformed', `the query has a broken percent-encoding: ${text}`, { cause: error })
  }
}
