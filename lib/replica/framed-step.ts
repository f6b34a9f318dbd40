import { type LogMark, markOf } from '../log/chain.ts'
import type { Entry } from '../log/entry.ts'
import type { Log } from '../log/log.ts'
import { hashOfKey } from '../model/idempotency-key.ts'
import { framedStep, type Step } from '../store/step.ts'

/** The step that a large entry makes from the place before it. */
export function framedStepOf(log: Log, from: LogMark, entry: Entry): Step {
  const [transaction] = entry.transactions
  const place = { lsn: entry.lsn, index: 0, timeMs: entry.time }
  const { key, principal = '' } = transaction!
  const { frames } = entry.framed!
  return framedStep(from, markOf(entry), {
    count: frames.length,
    tasks: frames.reduce((sum, { put, removed }) => sum + (put?.task ?? 0) + (removed?.task ?? 0), 0),
    text: (index) => log.frameText(entry, index),
    key: key === undefined ? undefined : [hashOfKey(principal, key), place],
  })
}
