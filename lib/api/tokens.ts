import { hash, timingSafeEqual } from 'node:crypto'
import { BorealError } from '../model/errors.ts'

/** What a token allows; each scope includes those before it. */
export const SCOPES = ['read', 'write', 'admin'] as const

export type TokenScope = (typeof SCOPES)[number]

/** A token's owner. */
export interface Principal {
  name: string
  scope: TokenScope
}

export interface Token extends Principal {
  /** SHA-256 of the secret; secrets themselves are not kept. */
  hash: Buffer
}

export function tokenOf(name: string, scope: TokenScope, secret: string): Token {
  return { name, scope, hash: hashOf(secret) }
}

/** Parses `name:scope:secret`, as `BOREAL_TOKENS` and token files list them. */
export function parseToken(text: string): Token {
  const [name, scope, ...rest] = text.split(':')
  const secret = rest.join(':')
  if (!name || !SCOPES.includes(scope as TokenScope) || secret.length < 16) {
    throw new BorealError(
      'invalid_field',
      'a token is given as name:scope:secret, with scope read, write or admin and a secret of at least 16 characters',
    )
  }
  return tokenOf(name, scope as TokenScope, secret)
}

/** The secret of the first admin among tokens as they are listed: what a node shows another that accepts the same ones. */
export function adminSecretIn(texts: readonly string[]): string | undefined {
  return texts.map((text) => /^[^:]+:admin:(.+)$/.exec(text.trim())?.[1]).find((secret) => secret !== undefined)
}

/**
 * Whose token the `Authorization` header carries. Hashes are compared, every one in constant time, so neither the
 * content nor the position of a token can be measured.
 */
export function authenticate(tokens: readonly Token[], authorization: string | undefined): Principal {
  const secret = /^Bearer +([^\s]+) *$/i.exec(authorization ?? '')?.[1]
  if (secret === undefined) {
    throw new BorealError('unauthenticated', 'send a token: Authorization: Bearer <token>')
  }
  const hash = hashOf(secret)
  let found: Token | undefined
  for (const token of tokens) if (timingSafeEqual(token.hash, hash)) found = token
  if (found === undefined) throw new BorealError('unauthenticated', 'this token is not known here')
  return found
}

export function authorize(principal: Principal, scope: TokenScope): void {
  if (SCOPES.indexOf(principal.scope) >= SCOPES.indexOf(scope)) return
  throw new BorealError('forbidden', `this needs a token with scope ${scope}; yours has ${principal.scope}`)
}

function hashOf(secret: string): Buffer {
  return hash('sha256', secret, 'buffer')
}
