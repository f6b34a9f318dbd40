import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Registers what is to be done at the end: of the test (`onTestFinished`) or of the file (`afterAll`). */
export type Cleanup = (work: () => Promise<void>) => void

/** A folder of its own, gone when the test is. */
export async function temporaryFolder(cleanup: Cleanup = onTestFinished): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'boreal-test-'))
  cleanup(() => rm(folder, { recursive: true, force: true }))
  return folder
}
