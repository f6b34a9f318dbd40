import type { Figure } from './figures.ts'
import type { LargeStores } from './large-stores.ts'
import type { Peers } from './systems/peers.ts'
import type { Contender } from './systems/system.ts'
import type { Workspace } from './workspace.ts'

/** Something to measure. Its systems take turns, round by round, and only one of them is running at a time. */
export interface BenchCase {
  id: string
  title: string
  /** What one has to know to read the figures. */
  about: string
  run(context: BenchContext): Promise<Figure[]>
}

export interface BenchContext {
  workspace: Workspace
  stores: LargeStores
  peers: Peers
  /** Those that were found, in the order in which they take turns. */
  contenders: Contender[]
  /** Rounds of every measurement. */
  repeats: number
  /**
   * How long a server works before it is measured, ms. Ours and those in Go and C differ in how fast they are in their
   * first second; what is compared is a server that runs.
   */
  warmMs: number
  /** How long one measurement lasts, without what comes before. */
  durationMs: number
  /** Tasks in stores that are compared with each other, ascending; the largest is the one of the verdicts. */
  sizes: number[]
  /** Those of the stores that are restored, ascending. */
  restartSizes: number[]
  /** Says how far it is. */
  say(message: string): void
}

/** Every one takes its turn in every round: A B C A B C. What disturbs the machine for a while disturbs all. */
export async function interleaved<T>(
  { repeats, say }: Pick<BenchContext, 'repeats' | 'say'>,
  participants: readonly T[],
  turn: (participant: T, round: number) => Promise<void>,
  nameOf: (participant: T) => string,
): Promise<void> {
  for (let round = 0; round < repeats; round++) {
    for (const participant of participants) {
      say(`round ${round + 1}/${repeats}: ${nameOf(participant)}`)
      await turn(participant, round)
    }
  }
}
