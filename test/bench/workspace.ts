import type { ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Folders and processes of a run, so that nothing is left however it ends. The end of this process ends them, which is
 * all that an exit handler can do: at once, without waiting.
 */
const folders = new Set<string>()
const children = new Set<ChildProcess>()

process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
})

/** Ends the run in order when it is interrupted; processes of its own group get the signal anyway. */
export function endOnSignals(): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, () => process.exit(code))
  }
}

/** Sees to it that a process does not outlive the run. */
export function ownChild(child: ChildProcess): void {
  children.add(child)
  child.once('exit', () => children.delete(child))
}

/** The folder of a run: on the disk that is to be measured, by default the system's temporary one. */
export class Workspace {
  readonly path: string
  #next = 0

  private constructor(path: string) {
    this.path = path
  }

  static async create(parent = tmpdir()): Promise<Workspace> {
    await mkdir(parent, { recursive: true })
    const path = await mkdtemp(join(parent, 'boreal-bench-'))
    folders.add(path)
    // A server that runs as another user must get to its own folder in here.
    await chmod(path, 0o711)
    return new Workspace(path)
  }

  /** A new folder, empty. */
  async folder(name: string): Promise<string> {
    const path = join(this.path, `${this.#next++}-${name}`)
    await mkdir(path)
    return path
  }

  /** Gives the space of a folder back before the run ends. */
  async discard(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }

  async remove(): Promise<void> {
    await this.discard(this.path)
    folders.delete(this.path)
  }
}
