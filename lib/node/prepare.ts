import { setTimeout } from 'node:timers/promises'
import { BorealError, messageOf } from '../model/errors.ts'
import { assertMachineCodeCanBeKept, isMachineCodeKept, machineCodeFile, optimizeSoon } from '../store/machine-code.ts'
import { freeBytes } from './memory-limit.ts'
import { practise } from './practice.ts'

/** Ms that V8 may still work on what practice has shown it. */
const SETTLE_MS = 1_000

/** What practice takes, roughly. */
const PRACTICE_BYTES = 1024 ** 3

export interface Prepared {
  file: string
  /** Absent when it was done before. */
  bytes?: number
}

/**
 * Makes ahead what starts of nodes need: the base image, and the database as machine code. For a process that does nothing
 * else.
 *
 * @throws BorealError `not_available` where it cannot be kept
 */
export async function prepare(onPractice: () => void): Promise<Prepared> {
  const file = machineCodeFile()
  if (await isMachineCodeKept()) return { file }
  try {
    await assertMachineCodeCanBeKept()
    const keep = optimizeSoon()
    onPractice()
    await practise()
    await setTimeout(SETTLE_MS)
    return await keep()
  } catch (error) {
    const message = `the database's machine code is not kept, and compiled at each start: ${messageOf(error)}`
    throw new BorealError('not_available', message, { cause: error })
  }
}

/** Whether that has not been done, and can be done beside what runs here. */
export async function canPrepare(): Promise<boolean> {
  if (freeBytes() < PRACTICE_BYTES || (await isMachineCodeKept())) return false
  return assertMachineCodeCanBeKept().then(
    () => true,
    () => false,
  )
}
