import { createApiHandler } from '../lib/api/handler.ts'
import { parseToken } from '../lib/api/tokens.ts'
import { systemRuntime } from '../lib/model/runtime.ts'
import { nodeConfig } from '../lib/node/config.ts'
import { startNode } from '../lib/node/start-node.ts'
import { createLogger } from './logger.ts'

/**
 * The API as a Lambda function behind API Gateway (REST). The node is started once per environment and kept between
 * invocations. Without readers: one environment serves one request at a time, and memory is what Lambda charges for.
 *
 * Settings: BOREAL_TABLE, BOREAL_BUCKET, BOREAL_NAME, BOREAL_TOKENS (name:scope:secret, separated by commas).
 */
const logger = createLogger('boreal-api')

const tokens = (process.env.BOREAL_TOKENS ?? '')
  .split(',')
  .filter((text) => text !== '')
  .map(parseToken)

const started = startNode(nodeConfig({ readers: '0' }, process.env), {
  runtime: systemRuntime,
  logger,
}).then(({ node }) => node)

export const handler = createApiHandler({ node: () => started, tokens, logger })
