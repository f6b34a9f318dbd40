import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { BorealClient } from '../client/client.ts'
import { DEFAULT_DATA } from '../node/config.ts'

export const DEFAULT_PORT = 7070

/** File of the admin token that the embedded server makes for itself. */
export function tokenFile(data: string): string {
  return join(data, 'token')
}

export interface ConnectionFlags {
  url?: string
  token?: string
}

/** Adds the flags with which a command finds the server. */
export function withConnection(command: Command): Command {
  return command
    .option('--url <url>', `server to ask (BOREAL_URL; default http://127.0.0.1:${DEFAULT_PORT})`)
    .option('--token <token>', 'token to send (BOREAL_TOKEN; default: that of the embedded server in ./data)')
}

/** A client for the server that the flags, or the environment, name. */
export function connect({ url, token }: ConnectionFlags, options: { connections?: number } = {}): BorealClient {
  const { BOREAL_URL, BOREAL_PORT, BOREAL_TOKEN, BOREAL_DATA } = process.env
  return new BorealClient({
    url: url ?? BOREAL_URL ?? `http://127.0.0.1:${BOREAL_PORT ?? DEFAULT_PORT}`,
    token: token ?? BOREAL_TOKEN ?? storedToken(BOREAL_DATA ?? DEFAULT_DATA),
    retryForMs: 10_000,
    ...options,
  })
}

function storedToken(data: string): string | undefined {
  try {
    return readFileSync(tokenFile(data), 'utf8').trim()
  } catch {
    return undefined
  }
}
