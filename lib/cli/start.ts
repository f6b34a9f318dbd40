import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { createApiHandler } from '../api/handler.ts'
import { serveHttp } from '../api/http-server.ts'
import { logStream } from '../api/log-stream.ts'
import { adminSecretIn, parseToken, type Token, tokenOf } from '../api/tokens.ts'
import { BorealError } from '../model/errors.ts'
import { systemRuntime } from '../model/runtime.ts'
import { type NodeConfig, type NodeFlags, nodeConfig, numberOf } from '../node/config.ts'
import type { FollowOptions, ReplayProgress } from '../node/node.ts'
import { startNode } from '../node/start-node.ts'
import { STORE_SETTINGS, type StoreSettings } from '../node/store-settings.ts'
import { DEFAULT_PORT, tokenFile } from './connection.ts'
import { collectWithoutHelpers } from './garbage.ts'
import { prepareMeanwhile } from './prepare.ts'
import { type LogLevel, stderrLogger } from './stderr-logger.ts'

interface StartFlags extends NodeFlags, Partial<Record<keyof StoreSettings, string>> {
  port?: string
  host?: string
  token?: string
  follow?: string
  logLevel?: LogLevel
}

export function startCommand(program: Command): void {
  const command = program
    .command('start')
    .description('run a node: embedded in a folder (default), or on a DynamoDB table')
    .option('--port <port>', `port to listen on, 0 for any (BOREAL_PORT; default ${DEFAULT_PORT})`)
    .option('--host <host>', 'address to listen on (BOREAL_HOST; default 127.0.0.1)')
    .option('--data <folder>', 'folder of the embedded table and objects (BOREAL_DATA; default ./data)')
    .option(
      '--no-sync',
      'embedded: do not wait for the disk; a power loss may take the last seconds (BOREAL_SYNC=false)',
    )
    .option('--table <name>', 'DynamoDB table instead of --data (BOREAL_TABLE); AWS_ENDPOINT_URL names another server')
    .option('--bucket <name>', 'with --table: S3 bucket for objects (BOREAL_BUCKET)')
    .option('--objects <folder>', 'with --table: folder for objects, shared by the nodes (BOREAL_OBJECTS)')
    .option('--backup-bucket <name>', 'S3 bucket for backups (BOREAL_BACKUP_BUCKET; default: where the objects are)')
    .option('--backup-objects <folder>', 'folder for backups (BOREAL_BACKUP_OBJECTS; embedded default: data/backups)')
    .option('--create-table', 'with --table: create the table when it is missing (BOREAL_CREATE_TABLE=true)')
    .option(
      '--new-store',
      'begin a new, empty store even if the objects hold snapshots of one that the table has lost (BOREAL_NEW_STORE=true)',
    )
    .option(
      '--follow <url>',
      'with --table: node that pushes to this one what it has made durable; it must accept the same admin token (BOREAL_FOLLOW)',
    )
    .option('--name <name>', 'name of the store in the table (BOREAL_NAME; default main)')
    .option('--readers <n>', 'reader threads, 0 to 16 (BOREAL_READERS; default 1)')
    .option('--store-mb <n>', 'memory of the store before additions are refused (BOREAL_STORE_MB; default by machine)')
    .option(
      '--writers <who>',
      'with --table: any, every node writes (default), or leased, one leads and the others stand by (BOREAL_WRITERS)',
    )
    .option('--advertise <url>', 'leased: where the other nodes reach this one (BOREAL_ENDPOINT)')
    .option('--token <token>', 'admin token to accept (BOREAL_TOKEN; embedded default: made at first start)')
    .option('--log-level <level>', 'debug, info, warn or error (BOREAL_LOG_LEVEL; default warn)')
  for (const { flag, env, what, default: byDefault } of Object.values(STORE_SETTINGS)) {
    command.option(`--${flag} <n>`, `${what} (${env}; default ${byDefault})`)
  }
  command.action(start)
}

async function start(flags: StartFlags): Promise<void> {
  const { env } = process
  const config = nodeConfig({ ...flags, settings: flags, sync: flags.sync === false ? false : undefined }, env)
  const logger = stderrLogger(flags.logLevel ?? (env.BOREAL_LOG_LEVEL as LogLevel | undefined) ?? 'warn')
  const port = numberOf('port', flags.port ?? env.BOREAL_PORT ?? String(DEFAULT_PORT), 0, 65_535)
  const secret = flags.token ?? env.BOREAL_TOKEN
  const tokens = await acceptedTokens(config, secret, env.BOREAL_TOKENS)
  const follow = followed(config, flags.follow ?? env.BOREAL_FOLLOW, secret ?? adminSecretIn(listed(env.BOREAL_TOKENS)))
  const started = await startNode(config, {
    runtime: systemRuntime,
    logger,
    follow,
    onProgress: replayOnStderr(),
    onBuildImage: () => process.stderr.write('boreal: preparing the base image (once, some seconds) ...\n'),
  })
  const handler = createApiHandler({ node: () => started.node, tokens, logger })
  const stream = logStream({ node: () => started.node, tokens })
  collectWithoutHelpers()
  const server = await serveHttp(handler, { port, host: flags.host ?? env.BOREAL_HOST, stream }).catch(
    async (error) => {
      await started.close()
      throw error
    },
  )
  const pid = await writePid(config, started.guest)
  process.stdout.write(`boreal: ready at ${server.url} (store ${started.node.storeId}, LSN ${started.node.tailLsn})\n`)
  const preparing = prepareMeanwhile()
  await untilStopped()
  preparing.stop()
  // Another node leads before this one stops to listen: until then it passes requests on.
  await started.node.handOver()
  await server.close()
  await started.close()
  await pid.remove()
}

/** Tells of a replay that takes its time: until it is done the server does not listen. */
function replayOnStderr(): (progress: ReplayProgress) => void {
  let reports = 0
  return ({ lsn, targetLsn, eventsPerSecond, etaMs = 0 }) => {
    // The first report is about nothing yet, and a short replay has only another one, at its end.
    if (++reports === 1 || (reports === 2 && lsn === targetLsn)) return
    const left = lsn === targetLsn ? 'done' : `about ${Math.ceil(etaMs / 1_000)} s left`
    process.stderr.write(
      `boreal: replaying the log: LSN ${lsn} of ${targetLsn}, ${eventsPerSecond} events/s, ${left}\n`,
    )
  }
}

/** Embedded, the folder says which process has it, `kill $(cat data/pid)`, and which ones serve other stores of it. */
async function writePid({ storage, name }: NodeConfig, guest: boolean): Promise<{ remove(): Promise<void> }> {
  if (storage.kind !== 'embedded') return { remove: async () => undefined }
  const file = join(storage.data, guest ? `pid-${name}` : 'pid')
  await writeFile(file, `${process.pid}\n`)
  return { remove: () => rm(file, { force: true }) }
}

/** Resolves at SIGTERM or SIGINT; a second one ends the process at once. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(1))
        resolve()
      })
    }
  })
}

/** The admin token, given or made, and others from `BOREAL_TOKENS` (name:scope:secret, separated by commas). */
async function acceptedTokens(
  config: NodeConfig,
  given: string | undefined,
  others: string | undefined,
): Promise<Token[]> {
  const tokens = listed(others).map((text) => parseToken(text))
  if (given !== undefined) return [tokenOf('admin', 'admin', given), ...tokens]
  if (config.storage.kind === 'embedded') {
    return [tokenOf('admin', 'admin', await ownToken(config.storage.data)), ...tokens]
  }
  if (tokens.length > 0) return tokens
  throw new BorealError('invalid_field', 'set BOREAL_TOKEN (or --token): the admin token that this server accepts')
}

function listed(tokens = ''): string[] {
  const texts = tokens.split(',').map((text) => text.trim())
  return texts.filter((text) => text !== '')
}

/** The node that this one follows: with a lease, whoever leads. */
function followed(config: NodeConfig, url: string | undefined, token: string | undefined): FollowOptions | undefined {
  if (url === undefined) return config.writers === 'leased' && token !== undefined ? { token } : undefined
  if (config.storage.kind === 'embedded') {
    throw new BorealError('invalid_field', '--follow goes with --table: nobody else can be on an embedded table')
  }
  if (!URL.canParse(url)) throw new BorealError('invalid_field', `--follow must be a URL, not ${url}`)
  if (token === undefined) throw new BorealError('invalid_field', '--follow needs an admin token: set BOREAL_TOKEN')
  return { leaderEndpoint: () => url, token }
}

/** The embedded server's own token: made at the first start, readable by its user alone. */
async function ownToken(data: string): Promise<string> {
  const file = tokenFile(data)
  const kept = await readFile(file, 'utf8').catch(() => undefined)
  if (kept !== undefined) return kept.trim()
  await mkdir(data, { recursive: true })
  const token = randomBytes(24).toString('base64url')
  await writeFile(file, `${token}\n`, { mode: 0o600 })
  process.stdout.write(`boreal: made an admin token: ${token} (kept in ${file})\n`)
  return token
}
