import { createApiHandler } from '../lib/api/handler.ts'
import { serveHttp } from '../lib/api/http-server.ts'
import { logStream } from '../lib/api/log-stream.ts'
import { messageOf } from '../lib/model/errors.ts'
import { systemRuntime } from '../lib/model/runtime.ts'
import { nodeConfig, numberOf } from '../lib/node/config.ts'
import type { BorealNode } from '../lib/node/node.ts'
import { startNode } from '../lib/node/start-node.ts'
import { useBundle } from './environment.ts'
import { onLogError } from './log-errors.ts'
import { createLogger } from './logger.ts'
import { ownEndpoint } from './own-endpoint.ts'
import { tokensAndSecret } from './secret-tokens.ts'

/**
 * The API as a process in a container: a node with readers behind HTTP. Stops at SIGTERM, when what is on its way is done.
 * Once a minute it writes a line `figures`, from which the log group makes metrics.
 *
 * Settings: those of `api.ts`, BOREAL_PORT, BOREAL_HOST, BOREAL_READERS, BOREAL_WRITERS, BOREAL_ENDPOINT (by default what ECS
 * says) and what else `boreal start` takes from the environment.
 */
const FIGURES_MS = 60_000

useBundle()
const logger = createLogger('boreal-leader')
const { env } = process
const { tokens, secret } = await tokensAndSecret(env)
const port = numberOf('BOREAL_PORT', env.BOREAL_PORT ?? '8080', 0, 65_535)
const leased = env.BOREAL_WRITERS === 'leased'
const advertise = leased ? await ownEndpoint(env, port) : undefined
const follow = leased && secret !== undefined ? { token: secret } : undefined
const { node, close } = await startNode(nodeConfig({ advertise }, env), { runtime: systemRuntime, logger, follow })

let logErrors = 0
const handler = createApiHandler({ node: () => node, tokens, logger }).use(onLogError(() => logErrors++))
const stream = logStream({ node: () => node, tokens })
const server = await serveHttp(handler, { port, host: env.BOREAL_HOST ?? '0.0.0.0', stream })
logger.info('ready', { url: server.url, storeId: node.storeId, lsn: node.tailLsn })

const timer = setInterval(() => {
  figuresOf(node)
    .then((figures) => logger.info('figures', figures))
    .catch((error: unknown) => logger.warn('figures could not be taken', { error: messageOf(error) }))
}, FIGURES_MS)

async function figuresOf(of: BorealNode): Promise<Record<string, unknown>> {
  const { lsn, role, writerTerm, lag, tailAgeMs, waiting, storeBytes, clockSkewMs } = await of.status()
  const errors = logErrors
  logErrors = 0
  return {
    stack: env.BOREAL_STACK ?? 'boreal',
    ...{ role, lsn, writerTerm, tailAgeMs, waiting, storeBytes, clockSkewMs },
    replicaLag: lag.entries,
    logErrors: errors,
  }
}

process.once('SIGTERM', () => {
  logger.info('stopping')
  clearInterval(timer)
  // Another container leads before this one stops to listen: until then it passes requests on.
  node
    .handOver()
    .then(() => server.close())
    .then(close)
    .then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error('could not stop in order', { error: messageOf(error) })
        process.exit(1)
      },
    )
})
