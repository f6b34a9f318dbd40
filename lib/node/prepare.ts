import { setTimeout } from 'node:timers/promises'
import { BorealError, messageOf } from '../model/errors.ts'
import {
  assertMachineCodeCanBeKept,
  isMachineCodeKept,
  keepMachineCode,
  machineCodeFile,
  optimizeSoon,
} from '../store/machine-code.ts'
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
  await assertMachineCodeCanBeKept().catch((error: unknown) => {
    throw new BorealError(
      'not_available',
      `to be run as somebody who may write beside the program: ${messageOf(error)}`,
    )
  })
  onPractice()
  optimizeSoon()
  await practise()
  await setTimeout(SETTLE_MS)
  const kept = await keepMachineCode(file)
  if (kept !== undefined) return kept
  throw new BorealError('not_available', 'this Node has no machine code to keep, or was started with flags against it')
}

/** Whether that has not been done, and can be done beside what runs here. */
export async function canPrepare(): Promise<boolean> {
  if (freeBytes() < PRACTICE_BYTES || (await isMachineCodeKept())) return false
  return assertMachineCodeCanBeKept().then(
    () => true,
    () => false,
  )
}
