import * as z from 'zod'
import { exportedSlot } from '../../log/export-format.ts'
import { lsn } from '../../model/scalars.ts'
import { MAX_PAGE_BYTES } from '../../store/read.ts'
import { wholeNumber } from '../read-options.ts'
import type { Route } from '../route.ts'

const exportLog: Route = {
  method: 'GET',
  path: '/v1/log-export',
  name: 'exportLog',
  summary:
    'Slots of the log after an LSN as they are stored, bodies in base64, nothing verified or decoded: what boreal log ' +
    'export writes down',
  scope: 'admin',
  query: z.strictObject({ after: z.literal('-1').or(wholeNumber).optional() }),
  answer: z.object({
    storeId: z.string(),
    trimmedTo: lsn,
    quarantined: z.string().optional().describe('the list of the head item as it is'),
    items: z.array(exportedSlot),
    nextCursor: z.string().optional().describe('pass as after'),
  }),
  async handle({ node, query: { after = '-1' } }) {
    const { log } = node
    const items = await log.exported(Number(after), MAX_PAGE_BYTES)
    const head = await log.head()
    const last = items.at(-1)?.lsn
    const next = last !== undefined && last < node.tailLsn ? { nextCursor: String(last) } : {}
    return { body: JSON.stringify({ storeId: log.storeId, ...head, items, ...next }) }
  },
}

export const logExportRoutes = [exportLog]
