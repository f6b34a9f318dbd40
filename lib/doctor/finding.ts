/** How bad a finding is: `ok` tells what was looked at, `warning` wants somebody's attention, `damage` is loss or its threat. */
export type Severity = 'ok' | 'warning' | 'damage'

/** One thing that the doctor has to say. */
export interface Finding {
  severity: Severity
  /** The entry, or the first of several. */
  lsn?: number
  /** The last of several. */
  to?: number
  /** The object, or the item of the table. */
  key?: string
  what: string
  /** What still works, and may be relied on. */
  safe?: string
  /** What to run next. */
  next?: string
}

export const ok = (what: string): Finding => ({ severity: 'ok', what })

const ORDER: Severity[] = ['ok', 'warning', 'damage']

/** The worse of two. */
export function worse(a: Severity, b: Severity): Severity {
  return ORDER.indexOf(a) >= ORDER.indexOf(b) ? a : b
}
