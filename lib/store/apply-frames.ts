import { decodeFrame } from '../log/frames.ts'
import { type ErrorData, errorData } from '../model/error-data.ts'
import { BorealError } from '../model/errors.ts'
import { type Aftermath, mergeAftermath, newAftermath } from './aftermath.ts'
import { ChangeSet } from './change-set.ts'
import { changeStatements } from './change-statements.ts'
import { addJobs } from './job-changes.ts'
import type { Procedure, Runner } from './procedure.ts'
import { SqlError } from './protocol.ts'
import { refusalOf } from './refusal.ts'
import { readBeforeAside, removeAside } from './rewrite.ts'
import { readRowsBefore } from './rows-before.ts'
import type { RowMeta } from './table.ts'

export interface FramesInput {
  /** The JSON text of each (UTF-8), verified. */
  frames: Uint8Array[]
  /** Place of the first one in its entry. */
  first: number
  meta: RowMeta
  /** Whether it is checked, row by row, that what a row refers to is there. */
  checked: boolean
  /** Whether the rows of the table of tasks are aside. */
  anew: boolean
}

export type FramesOutcome =
  /** What follows from their rows, and has not been written. */
  { later: Aftermath } | { refusal: ErrorData }

/**
 * Writes the rows of frames that follow one another, inside the SQL transaction that is open: unpacked, folded and written in
 * the engine's thread, so that a large entry keeps nobody else busy.
 */
export const applyFrames: Procedure<FramesInput, FramesOutcome> = {
  name: 'applyFrames',

  async run(engine, { frames, first, ...how }) {
    const later = newAftermath()
    try {
      for (const [index, bytes] of frames.entries()) {
        mergeAftermath(later, await applyFrame(engine, bytes, first + index, how))
      }
      return { later }
    } catch (error) {
      if (error instanceof SqlError) return { refusal: refusalOf(error) }
      if (error instanceof BorealError) return { refusal: errorData(error) }
      throw error
    }
  },
}

async function applyFrame(
  engine: Runner,
  bytes: Uint8Array,
  index: number,
  { meta, checked, anew }: Omit<FramesInput, 'frames' | 'first'>,
): Promise<Aftermath> {
  const changes = new ChangeSet()
  changes.apply(decodeFrame(meta.version, index, bytes), meta)
  const before = anew ? await readBeforeAside(engine, changes) : await readRowsBefore(engine, changes)
  const later = newAftermath()
  const rows = [...changeStatements(changes, before, undefined, later), ...(anew ? removeAside(changes) : [])]
  await engine.run(checked && later.jobs.size > 0 ? [addJobs(later.jobs), ...rows] : rows)
  return later
}
