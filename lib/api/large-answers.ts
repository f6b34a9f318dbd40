import { setImmediate } from 'node:timers/promises'

/** Bodies above this leave one at a time. */
export const LARGE_BODY_BYTES = 64 * 1024

/** Behind a large answer the loop is left to others for so many times as long as it took. */
const OTHERS_SHARE = 8

/**
 * The large answers of a server, which leave one at a time: when what two hundred readers wait for is there, their answers
 * would otherwise be written one after another, for tenths of a second in which no transaction goes on.
 */
export class LargeAnswers {
  #lastTurn: Promise<void> = Promise.resolve()
  #waiting = 0
  /** What was encoded last, while anybody waits: as a rule it is what the next one sends, too (shared-reads.ts). */
  #encoded: { text: string; bytes: Buffer } | undefined

  /** Calls `send` with the bytes of the text when it is its turn. */
  async send(text: string, send: (bytes: Buffer) => void): Promise<void> {
    const turn = this.#lastTurn.then(() => setImmediate())
    let ended: () => void = () => undefined
    this.#lastTurn = new Promise((resolve) => (ended = resolve))
    this.#waiting++
    await turn
    const startedAt = performance.now()
    try {
      send(this.#bytesOf(text))
    } finally {
      if (--this.#waiting === 0) this.#encoded = undefined
      setTimeout(ended, OTHERS_SHARE * (performance.now() - startedAt))
    }
  }

  #bytesOf(text: string): Buffer {
    if (this.#encoded?.text !== text) this.#encoded = { text, bytes: Buffer.from(text) }
    return this.#encoded.bytes
  }
}
