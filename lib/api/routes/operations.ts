import * as z from 'zod'
import type { Operation } from '../../node/operations.ts'
import { problem, problemOf } from '../problem.ts'
import type { ApiAnswer, Route } from '../route.ts'

/** What takes longer is answered with 202; an API Gateway gives up soon after. */
export const MOST_WAIT_MS = 25_000

export const operation = z.object({
  id: z.string(),
  kind: z.enum([
    'snapshot',
    'backup',
    'drill',
    'archive',
    'archiveCheck',
    'trim',
    'trimDryRun',
    'recovery',
    'backtrack',
    'migrationPlan',
    'clone',
  ]),
  state: z.enum(['running', 'done', 'failed']),
  startedAt: z.int(),
  finishedAt: z.int().optional(),
  progress: z.looseObject({}).optional().describe('how far it has got, while it is running'),
  result: z.looseObject({}).optional().describe('the answer that the request would have got'),
  problem: problem.optional().describe('what it failed with'),
})

function operationAnswer({ error, ...rest }: Operation): z.infer<typeof operation> {
  const shown = error === undefined ? rest : { ...rest, problem: problemOf(error) }
  return shown as z.infer<typeof operation>
}

/** The answer to a request that started an operation: its result, if that is there by now, else where to look for it. */
export function startedAnswer(started: Operation): ApiAnswer {
  if (started.error !== undefined) throw started.error
  const headers = { Location: `/v1/operations/${started.id}` }
  if (started.state === 'done') return { body: JSON.stringify(started.result), headers }
  return { status: 202, body: JSON.stringify(operationAnswer(started)), headers: { ...headers, 'Retry-After': '5' } }
}

const getOperation: Route = {
  method: 'GET',
  path: '/v1/operations/{operationId}',
  name: 'getOperation',
  atLeader: 'whenNotFound',
  summary: 'Work that this node was asked for and that took too long to wait for: how it stands, or what came of it',
  scope: 'admin',
  params: z.strictObject({ operationId: z.string() }),
  answer: operation,
  handle: ({ node, params }) => ({ body: JSON.stringify(operationAnswer(node.operations.find(params.operationId))) }),
}

export const operationRoutes = [getOperation]
