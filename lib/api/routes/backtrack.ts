import * as z from 'zod'
import { lsn } from '../../model/scalars.ts'
import type { BacktrackTarget } from '../../node/node-backtrack.ts'
import { POINT_FORM, parsePoint } from '../../recovery/point.ts'
import type { Route } from '../route.ts'
import { answerMove, confirmation, differenceSummary } from './moves.ts'
import { operation } from './operations.ts'

const place = z.object({ lsn, index: z.int().optional() })

const preview = z.object({ dryRun: z.literal(true), point: place, lsn, difference: differenceSummary })

const outcome = z.object({
  made: z.boolean().describe('false: the store was like that already'),
  point: place,
  lsn: lsn.describe('where the log stands with it'),
  transactionId: z.string().optional(),
  difference: differenceSummary,
})

const body = z
  .strictObject({
    target: z
      .union([z.int().nonnegative(), z.string()])
      .refine((target) => parsePoint(String(target)) !== undefined, POINT_FORM)
      .optional()
      .describe(POINT_FORM),
    undo: lsn.optional().describe('instead of a target: what this entry has written becomes what it was before it'),
    ...confirmation,
  })
  .refine(({ target, undo }) => (target === undefined) !== (undo === undefined), 'needs either a target or an undo')

const postBacktrack: Route = {
  method: 'POST',
  path: '/v1/backtrack',
  name: 'backtrack',
  atLeader: 'always',
  summary:
    'Takes the store back to what it was at an LSN, a transaction (lsn.index) or a time, or undoes one entry, by one ' +
    'entry with the difference. Nothing is stopped meanwhile. With dryRun it only says what would change',
  scope: 'admin',
  body,
  answer: z.union([preview, outcome]),
  accepted: operation,
  handle(request) {
    const target = targetOf(request.body)
    const { backtrack } = request.node.moves
    return answerMove(request, {
      kind: 'backtrack',
      what: JSON.stringify(target),
      preview: () => backtrack.preview(target),
      run: (move) => backtrack.run({ target, ...move }),
    })
  },
}

function targetOf({ target, undo }: z.infer<typeof body>): BacktrackTarget {
  return undo === undefined ? parsePoint(String(target))! : { undo }
}

export const backtrackRoutes = [postBacktrack]
