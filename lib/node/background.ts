import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'

/**
 * What a thread that works beside those that serve gets of the processors: `idle` what nobody else wants, and it makes
 * room at once; `low` a tenth of what those who serve get, and who wakes up may wait for it for a slice of time (some ms),
 * as for anybody. Writes beside snapshots had a p99 of 1.08 times that without them when these were idle, 1.2 when they
 * had the lowest priority (docs/performance.md).
 */
export type Background = 'idle' | 'low'

/** On Linux a priority is a thread's own. */
const LOW_PRIORITY = 10

/** A thread is starved that waits most of the time and gets less than this of what it would take. */
const STARVED_SHARE = 0.05

/** Ns that a thread has worked, and waited for a processor. */
export interface ProcessorTime {
  ran: number
  waited: number
}

/**
 * Makes the calling thread give way to others, as far as the system can. Neither can be taken back without a privilege.
 *
 * @returns the thread's id when it may be starved: see `processorTime`
 */
export function giveWay(background: Background): number | undefined {
  if (process.platform !== 'linux') return undefined
  if (background === 'idle') {
    const thread = becomeIdle()
    if (thread !== undefined) return thread
  }
  if (getPriority() < LOW_PRIORITY) setPriority(LOW_PRIORITY)
  return undefined
}

/** Node has no call for it. `chrt` is of util-linux, which containers have as a rule; undefined where there is none. */
function becomeIdle(): number | undefined {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1))
    execFileSync('chrt', ['--idle', '--pid', '0', String(thread)], { stdio: 'ignore' })
    return thread
  } catch {
    return undefined
  }
}

/** What a thread of this process has had until now; undefined when it has ended, or the system does not tell. */
export function processorTime(thread: number): ProcessorTime | undefined {
  try {
    const [ran, waited] = readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ').map(Number)
    return { ran: ran!, waited: waited! }
  } catch {
    return undefined
  }
}

/** Whether others kept a thread from the processors for most of `ms`, between two looks at its time. */
export function isStarved(before: ProcessorTime, after: ProcessorTime, ms: number): boolean {
  const ran = after.ran - before.ran
  const waited = after.waited - before.waited
  return waited > (ms * 1e6) / 2 && ran < STARVED_SHARE * (ran + waited)
}
