import type { FrameStage } from '../log/frame-stage.ts'
import type { StagedEvent } from '../log/frames.ts'
import type { Log } from '../log/log.ts'
import { BorealError } from '../model/errors.ts'
import type { Runtime } from '../model/runtime.ts'
import type { AloneOutcome, AloneTransaction } from '../writer/alone.ts'
import type { SubmittedKey } from '../writer/submission.ts'
import type { Readable } from './compare.ts'
import { adjustment, type ComputedDifference, computeDifference, type DifferenceContext } from './difference.ts'
import type { DifferenceSummary } from './summary.ts'
import type { TouchedKeys } from './touched.ts'

/** What moving the live store needs of its node. */
export interface MoveContext {
  log: Log
  runtime: Runtime
  /** The end of the log. */
  confirm(): Promise<number>
  /** Reads of the live store at this LSN or later, off the writer if that is possible. */
  liveAt(lsn: number): Readable
  submitAlone(transaction: AloneTransaction): Promise<AloneOutcome>
}

export interface Move {
  /** The store as it is to become. */
  target: Readable
  /** Only these rows; default all. */
  only?: TouchedKeys | undefined
  principal: string
  key?: SubmittedKey | undefined
  reason: string
  /** The store's id, or the digest of the difference that somebody looked at. */
  confirm: string | undefined
  /** Ms that the transaction may take once the difference is known. */
  timeoutMs?: number
}

export interface MoveOutcome {
  /** False: the store was like that already. */
  made: boolean
  /** Where the log stands with it. */
  lsn: number
  transactionId?: string
  difference: DifferenceSummary
}

const TIMEOUT_MS = 120_000

/** So many entries may have come while the difference was computed; more are looked at before the writer's turn. */
const MOST_BEHIND = 1_000

/**
 * Makes the live store like the target by one entry with the logical difference. Nothing is stopped meanwhile: what was
 * acknowledged before it is moved too, what comes after it stays.
 *
 * @throws BorealError `confirmation_required` with the digest that would do; what {@link AloneTransaction} can fail with
 */
export async function moveStore(context: MoveContext, move: Move): Promise<MoveOutcome> {
  const { log } = context
  const difference = { log, target: move.target, only: move.only }
  const stage = log.stage()
  try {
    return await moveThrough(stage, context, move, difference)
  } finally {
    await stage.clear().catch(() => undefined)
  }
}

async function moveThrough(
  stage: FrameStage,
  context: MoveContext,
  move: Move,
  difference: DifferenceContext,
): Promise<MoveOutcome> {
  const { log, runtime, submitAlone } = context
  const keep = (events: StagedEvent[]) => stage.add(events)
  const lsn = await context.confirm()
  const computed = await computeDifference(difference, context.liveAt(lsn), lsn, keep)
  checkConfirmed(move.confirm, log.storeId, computed.summary)
  const latest = await caughtUp(context, difference, computed, keep)
  await stage.settled()
  const outcome = await submitAlone({
    principal: move.principal,
    key: move.key,
    reason: move.reason,
    deadline: runtime.monotonic() + (move.timeoutMs ?? TIMEOUT_MS),
    decide: async (store) => {
      const events = await adjustment(difference, latest, store, store.mark.lsn)
      return { events, stage, growth: latest.growth }
    },
  })
  const { summary } = computed
  if (outcome.kind === 'nothing') return { made: false, lsn: outcome.lsn, difference: summary }
  return { made: true, lsn: outcome.answer.lsn, transactionId: outcome.answer.transactionId, difference: summary }
}

/** Looks at what has come since beside the writer, while there is much of it. */
async function caughtUp(
  { confirm, liveAt }: MoveContext,
  difference: DifferenceContext,
  computed: ComputedDifference,
  keep: (events: StagedEvent[]) => Promise<void>,
): Promise<ComputedDifference> {
  for (let latest = computed; ; ) {
    const lsn = await confirm()
    if (lsn - latest.lsn <= MOST_BEHIND) return latest
    await keep(await adjustment(difference, latest, liveAt(lsn), lsn))
    latest = { ...latest, lsn }
  }
}

export function checkConfirmed(confirm: string | undefined, storeId: string, { digest }: DifferenceSummary): void {
  if (confirm === storeId || confirm === digest) return
  const wrong = confirm === undefined ? 'this changes the live store' : `"${confirm}" does not confirm this difference`
  throw new BorealError(
    'confirmation_required',
    `${wrong}: look at the difference with dryRun, then send "confirm" with its digest (now ${digest}), or with the ` +
      "store's id to take it as it is by then",
  )
}
