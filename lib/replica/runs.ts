import { type LogMark, markOf } from '../log/chain.ts'
import type { Entry } from '../log/entry.ts'
import { ChangeSet } from '../store/change-set.ts'
import { foldEntry } from '../store/fold.ts'

/** Consecutive entries, folded: what is applied in one SQL transaction. */
export interface Run {
  changes: ChangeSet
  to: LogMark
  events: number
  /** A large entry, which is a run of its own: what it changes is in its frames. */
  framed?: Entry
}

/** How much is folded into one run; an entry is never divided. Bounds memory, and how long an engine is busy with one. */
export interface RunLimits {
  events: number
  /** Stored bytes of bodies. */
  bytes: number
}

export const RUN_LIMITS: RunLimits = { events: 8_000, bytes: 4 * 1024 * 1024 }

/** Events of the first run, and by how much the next ones grow: so the engine has something to do soon. */
const FIRST_EVENTS = 1_000
const GROWTH = 4

/** Pages have about a megabyte while the log goes on. */
const SMALL_BYTES = 256 * 1024

/** Folds the entries of pages into runs, up to the entry at `upTo`; whatever the size of a page. */
export async function* runsOf(
  pages: AsyncIterable<Entry[]>,
  upTo: number,
  limits: RunLimits = RUN_LIMITS,
): AsyncGenerator<Run> {
  let run: Run | undefined
  let bytes = 0
  let most = Math.min(FIRST_EVENTS, limits.events)
  let failure: { error: unknown } | undefined
  try {
    for await (const page of pages) {
      for (const entry of page) {
        if (entry.lsn > upTo) break
        const events = eventsOf(entry)
        if (entry.framed !== undefined) {
          if (run !== undefined) yield run
          run = undefined
          bytes = 0
          yield { changes: new ChangeSet(), to: markOf(entry), events, framed: entry }
          continue
        }
        if (run !== undefined && (run.events + events > most || bytes + entry.bytes > limits.bytes)) {
          yield run
          run = undefined
          bytes = 0
          most = Math.min(GROWTH * most, limits.events)
        }
        run ??= { changes: new ChangeSet(), to: markOf(entry), events: 0 }
        foldEntry(run.changes, entry)
        run.to = markOf(entry)
        run.events += events
        bytes += entry.bytes
      }
      if (page.at(-1)!.lsn >= upTo) break
      // A small page is the last one, as a rule: it need not wait for the answer that there is no other.
      if (run !== undefined && bytes < SMALL_BYTES) {
        yield run
        run = undefined
        bytes = 0
      }
    }
  } catch (error) {
    failure = { error }
  }
  // What came before a failure is good.
  if (run !== undefined) yield run
  if (failure !== undefined) throw failure.error
}

function eventsOf({ transactions, framed }: Entry): number {
  if (framed !== undefined) return framed.frames.reduce((sum, { events }) => sum + events, 0)
  return transactions.reduce((sum, { events }) => sum + events.length, 0)
}
