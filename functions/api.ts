import middy from '@middy/core'
import type { APIGatewayProxyResult } from 'aws-lambda'
import { type ApiEvent, createApiHandler } from '../lib/api/handler.ts'
import { systemRuntime } from '../lib/model/runtime.ts'
import { nodeConfig } from '../lib/node/config.ts'
import { startNode } from '../lib/node/start-node.ts'
import { answerSize } from './answer-size.ts'
import { correlation } from './correlation.ts'
import { useBundle } from './environment.ts'
import { catchUp, lastingNode } from './lasting-node.ts'
import { onLogError } from './log-errors.ts'
import { createLogger } from './logger.ts'
import { createMetrics } from './metrics.ts'
import { acceptedTokens } from './secret-tokens.ts'

/**
 * The API as a Lambda function behind API Gateway (REST). The node is started once per environment and kept between
 * invocations. Without readers: one environment serves one request at a time, and memory is what Lambda charges for. It
 * does not poll: environments are frozen between invocations, and each catches up when it is asked.
 *
 * Settings: BOREAL_TABLE, BOREAL_BUCKET, BOREAL_NAME, BOREAL_TOKENS_SECRET or BOREAL_TOKENS (name:scope:secret, separated
 * by commas).
 */
useBundle()
const logger = createLogger('boreal-api')
const metrics = createMetrics('boreal-api')
const config = nodeConfig({ readers: '0' }, { BOREAL_POLL_MS: '0', ...process.env })
const node = lastingNode(async () => (await startNode(config, { runtime: systemRuntime, logger })).node, logger)

const api = createApiHandler({ node, tokens: await acceptedTokens(process.env), logger })
  .use(answerSize())
  .use(onLogError(() => metrics.add('LogErrors', 1)))

export const handler = middy<ApiEvent, APIGatewayProxyResult>()
  .use(correlation(logger))
  .handler(async (event, context) => {
    if (event.queryStringParameters?.consistency === 'weak') await catchUp(await node()).catch(() => undefined)
    const answer = await api(event, context)
    metrics.flush()
    return { ...answer, body: String(answer.body) }
  })
