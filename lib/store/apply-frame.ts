import { decodeFrame } from '../log/frames.ts'
import { type ErrorData, errorData } from '../model/error-data.ts'
import { BorealError } from '../model/errors.ts'
import { Aftermath } from './aftermath.ts'
import { ChangeSet } from './change-set.ts'
import { beforeStatements, changeStatements } from './change-statements.ts'
import type { Procedure } from './procedure.ts'
import { SqlError } from './protocol.ts'
import { refusalOf } from './refusal.ts'
import { readBefore } from './rows-before.ts'
import type { RowMeta } from './table.ts'

export interface FrameInput {
  /** Verified. */
  bytes: Uint8Array
  index: number
  meta: RowMeta
}

export type FrameOutcome =
  /** Configs that may have lost their last reference. */
  { abandonedConfigs: string[] } | { refusal: ErrorData }

/**
 * Writes the rows of one frame inside the SQL transaction that is open: unpacked, folded and written in the engine's thread,
 * so that a large entry keeps nobody else busy.
 */
export const applyFrame: Procedure<FrameInput, FrameOutcome> = {
  name: 'applyFrame',

  async run(engine, { bytes, index, meta }) {
    try {
      const changes = new ChangeSet()
      changes.apply(decodeFrame(meta.version, index, bytes), meta)
      const before = readBefore(changes, await engine.run(beforeStatements(changes).map(({ statement }) => statement)))
      const later = new Aftermath()
      await engine.run(changeStatements(changes, before, undefined, later))
      return { abandonedConfigs: [...later.abandonedConfigs] }
    } catch (error) {
      if (error instanceof SqlError) return { refusal: refusalOf(error) }
      if (error instanceof BorealError) return { refusal: errorData(error) }
      throw error
    }
  },
}
