import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { adminSecretIn, parseToken, type Token } from '../lib/api/tokens.ts'
import { BorealError } from '../lib/model/errors.ts'

type Environment = Record<string, string | undefined>

/**
 * The tokens that the API accepts: `BOREAL_TOKENS`, else the secret that `BOREAL_TOKENS_SECRET` names. A rotated secret is
 * seen by environments that start afterwards.
 *
 * @throws BorealError `invalid_field` when there are none
 */
export async function acceptedTokens(env: Environment): Promise<Token[]> {
  return (await tokensAndSecret(env)).tokens
}

/** The same, and the secret of an admin among them, which a node shows to another that accepts the same ones. */
export async function tokensAndSecret(env: Environment): Promise<{ tokens: Token[]; secret: string | undefined }> {
  const text = env.BOREAL_TOKENS ?? (await secretText(env.BOREAL_TOKENS_SECRET))
  const tokens = parseTokens(text)
  if (tokens.length > 0) return { tokens, secret: adminSecretIn(listed(text)) }
  throw new BorealError('invalid_field', 'no token is accepted: set BOREAL_TOKENS_SECRET or BOREAL_TOKENS')
}

/** A list of `name:scope:secret`, separated by commas or lines; or nothing but the secret of an admin. */
export function parseTokens(text: string): Token[] {
  return listed(text).map(parseToken)
}

function listed(text: string): string[] {
  const parts = text.split(/[,\n]/).map((part) => part.trim())
  return parts.filter((part) => part !== '').map((part) => (part.includes(':') ? part : `admin:admin:${part}`))
}

async function secretText(secretId: string | undefined): Promise<string> {
  if (secretId === undefined) return ''
  const client = new SecretsManagerClient({})
  try {
    const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: secretId }))
    return SecretString
  } finally {
    client.destroy()
  }
}
