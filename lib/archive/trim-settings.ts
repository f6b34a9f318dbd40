export interface TrimSettings {
  /** Ms that entries stay whole in the table at least. */
  tableMs: number
  /** Ms that tombstones stay; Infinity: for ever. */
  tombstoneMs: number
  /** Ms back to which every LSN and every second can be restored. */
  retentionMs: number
  /** Ms between the mark that something is not needed any more and its deletion. */
  graceMs: number
}

const HOUR_MS = 60 * 60 * 1_000
export const DAY_MS = 24 * HOUR_MS

/**
 * A node that has not seen the end of the log for a day looks at the head before it does anything. So a writer would have to
 * stand still for 34 days between that look and its request to win a slot that was freed.
 */
export const TRIM_SETTINGS: TrimSettings = {
  tableMs: DAY_MS,
  tombstoneMs: 35 * DAY_MS,
  retentionMs: 7 * DAY_MS,
  graceMs: HOUR_MS,
}
