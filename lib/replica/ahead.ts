/**
 * Gives what the source gives, with the next item already being made while the consumer works on this one. One item and
 * no more: what has been made and waits takes memory.
 */
export async function* ahead<T>(source: AsyncGenerator<T>): AsyncGenerator<T> {
  let next = source.next()
  try {
    for (;;) {
      const { value, done } = await next
      if (done) return
      next = source.next()
      // Its failure is told when it is its turn, not while nobody looks.
      next.catch(() => undefined)
      yield value
    }
  } finally {
    await next.catch(() => undefined)
    await source.return(undefined)
  }
}
