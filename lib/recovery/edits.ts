import * as z from 'zod'
import { hashOfText } from '../model/canonical.ts'
import { BorealError } from '../model/errors.ts'
import { FORMAT_VERSION } from '../model/format.ts'
import { type Operation, operation } from '../model/operations.ts'
import { MAX_OPERATIONS } from '../model/transaction.ts'
import { changeStatements } from '../store/change-statements.ts'
import { BEGIN, COMMIT } from '../store/statement.ts'
import type { Store } from '../store/store.ts'
import { announceBatch, evaluateBatch } from '../writer/evaluate.ts'
import { STORE_LIMITS } from '../writer/store-limits.ts'
import type { Recovery } from './descriptor.ts'
import type { Variant } from './past-store.ts'

/**
 * Changes on top of a recovery: operations as clients send them, decided on the recovered state as the writer would. They
 * are kept as they were asked for, and decided anew wherever the recovery is opened; the state and they give the same
 * outcome each time.
 */
export interface Edit {
  operations: Operation[]
  /** Time that the rows get, ms: fixed when it was accepted. */
  at: number
  by: string
}

export const editRequest = z.strictObject({
  operations: z.array(operation).min(1).max(MAX_OPERATIONS),
})

/** Edits that a recovery can have, and their size as JSON. */
const MAX_EDITS = 1_000
const MAX_CHARACTERS = 4 * 1024 * 1024

/** @throws BorealError `too_large` */
export function withEdit({ edits }: Pick<Recovery, 'edits'>, edit: Edit): unknown[] {
  const all = [...edits, edit]
  if (all.length <= MAX_EDITS && JSON.stringify(all).length <= MAX_CHARACTERS) return all
  throw new BorealError(
    'too_large',
    `a recovery has at most ${MAX_EDITS} edits of 4 MB in all; commit it, and go on from there`,
  )
}

/** A recovery's edits as what is done on top of its point; undefined when there are none. */
export function variantOf({ edits, point }: Pick<Recovery, 'edits' | 'point'>): Variant | undefined {
  if (edits.length === 0) return undefined
  return {
    name: hashOfText(JSON.stringify(edits)),
    async prepare(store) {
      for (const [index, edit] of (edits as Edit[]).entries()) await apply(store, edit, point.lsn + 1 + index)
    },
  }
}

/** Nothing refers to the version, and nothing compares it. */
async function apply(store: Store, { operations, at, by }: Edit, version: number): Promise<void> {
  const candidate = { id: 'edit', request: { operations }, principal: by, key: undefined, reason: undefined }
  const plan = announceBatch([candidate]).plan()
  const snapshot = plan.load(await store.run(plan.statements))
  const meta = { version, timeMs: at }
  const context = { meta, horizonMs: 0, full: false, limits: STORE_LIMITS, format: FORMAT_VERSION }
  const { decisions, changes, before } = evaluateBatch([candidate], snapshot, context)
  const [decision] = decisions
  if (decision?.kind === 'refuse') throw decision.error
  if (decision?.kind !== 'commit') return
  await store.run([BEGIN, ...changeStatements(changes, before, undefined), COMMIT])
}
