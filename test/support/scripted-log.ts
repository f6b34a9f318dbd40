import type { EventLog, HeadItem, LogItem, PutOutcome } from '../../lib/log/event-log.ts'

/** What happens to one put: decided by the test, which may pass it on to the real log as often as it likes. */
export type PutScript = (item: LogItem, put: () => Promise<PutOutcome>) => Promise<PutOutcome>

/** A log whose puts and reads a test can hold up, lose or repeat. Everything else passes through. */
export class ScriptedLog implements EventLog {
  readonly #log: EventLog
  onPut: PutScript | undefined
  /** Throws to make reads fail. */
  onRead: (() => void) | undefined
  /** Pages are read behind it. */
  holdPages: Promise<void> | undefined
  /** Puts seen. */
  puts = 0

  constructor(log: EventLog) {
    this.#log = log
  }

  get serverClock() {
    return this.#log.serverClock
  }

  async put(item: LogItem): Promise<PutOutcome> {
    this.puts++
    return this.onPut === undefined ? this.#log.put(item) : this.onPut(item, () => this.#log.put(item))
  }

  async get(lsn: number): Promise<LogItem | undefined> {
    this.onRead?.()
    return this.#log.get(lsn)
  }

  async read(after: number): Promise<LogItem[]> {
    this.onRead?.()
    await this.holdPages
    return this.#log.read(after)
  }

  async head(): Promise<HeadItem> {
    return this.#log.head()
  }

  close(): void {
    this.#log.close()
  }
}

export const unknown = (): PutOutcome => ({ kind: 'unknown', error: new Error('no answer') })
export const unsent = (): PutOutcome => ({ kind: 'unsent', error: new Error('connection refused') })

/** A gate that a test opens when it is time. */
export function gate(): { opened: Promise<void>; open(): void } {
  let open!: () => void
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}
