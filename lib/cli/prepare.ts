import { type ChildProcess, spawn } from 'node:child_process'
import { setPriority } from 'node:os'
import type { Command } from 'commander'
import { canPrepare, prepare } from '../node/prepare.ts'

/** Ms for which a node has served before another process works beside it. */
const PREPARE_AFTER_MS = 30_000

const LOWEST_PRIORITY = 19

export function prepareCommand(program: Command): void {
  program
    .command('prepare')
    .description(
      'make ahead what starts of nodes need (base image, machine code); a node does it after its first start',
    )
    .action(run)
}

async function run(): Promise<void> {
  const { file, bytes } = await prepare(() => {
    process.stderr.write('boreal: preparing (once for each version and set of flags, some seconds) ...\n')
  })
  const what = bytes === undefined ? 'already' : `${(bytes / 1024 / 1024).toFixed(1)} MB`
  process.stdout.write(`boreal: nodes of this build are prepared (${file}, ${what})\n`)
}

/**
 * Prepares for the next start of this node in a process of its own, when this one has served for a while, if that is due.
 * Nobody waits for it, and a node needs none of it.
 */
export function prepareMeanwhile(): { stop(): void } {
  let child: ChildProcess | undefined
  let stopped = false
  const begin = async () => {
    if (!(await canPrepare()) || stopped) return
    // The same flags: code that was made with others is of no use here.
    child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, 'prepare'], { stdio: 'ignore' })
    child.on('error', () => undefined)
    if (child.pid !== undefined) setPriority(child.pid, LOWEST_PRIORITY)
  }
  const timer = setTimeout(() => void begin().catch(() => undefined), PREPARE_AFTER_MS).unref()
  return {
    stop: () => {
      stopped = true
      clearTimeout(timer)
      child?.kill()
    },
  }
}
