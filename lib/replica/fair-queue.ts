/**
 * What waits, by whom it waits for. Clients take turns, whatever the number of things they wait for; those of one client
 * go in the order of their arrival.
 */
export class FairQueue<T> {
  /** Clients in the order of their turns. */
  readonly #clients = new Map<string, Set<T>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** How much of one client's waits. */
  sizeOf(client: string): number {
    return this.#clients.get(client)?.size ?? 0
  }

  add(client: string, item: T): void {
    const items = this.#clients.get(client)
    if (items === undefined) this.#clients.set(client, new Set([item]))
    else items.add(item)
    this.#size++
  }

  /** Takes something out that waits no more. */
  delete(client: string, item: T): void {
    const items = this.#clients.get(client)
    if (!items?.delete(item)) return
    this.#size--
    if (items.size === 0) this.#clients.delete(client)
  }

  /** Takes out what is next among that which can go on; whose it was is the last one to have another turn. */
  take(canGoOn: (item: T) => boolean): T | undefined {
    for (const [client, items] of this.#clients) {
      for (const item of items) {
        if (!canGoOn(item)) continue
        this.delete(client, item)
        if (this.#clients.delete(client)) this.#clients.set(client, items)
        return item
      }
    }
    return undefined
  }

  *[Symbol.iterator](): Generator<T> {
    for (const items of this.#clients.values()) yield* items
  }
}
