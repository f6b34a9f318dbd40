import { Readable } from 'node:stream'
import type { Entry } from '../log/entry.ts'

/** Pages that wait at most; each has about a megabyte in the log. */
const PAGES = 4

/** Pages of a log that are read, verified and decoded before they are asked for. To be ended if nobody asks. */
export interface PagesAhead extends AsyncIterable<Entry[]> {
  end(): void
}

/** Begins to read at once. What fails is told to whoever asks, behind what came before. */
export function readAhead(pages: AsyncIterable<Entry[]>): PagesAhead {
  const stream = Readable.from(outcomes(pages), { highWaterMark: PAGES })
  stream.read(0)
  return {
    async *[Symbol.asyncIterator]() {
      for await (const outcome of stream as AsyncIterable<Outcome>) {
        if ('failure' in outcome) throw outcome.failure
        yield outcome.page
      }
    },
    end: () => void stream.destroy(),
  }
}

type Outcome = { page: Entry[] } | { failure: unknown }

/** A stream that fails forgets what waits in it. */
async function* outcomes(pages: AsyncIterable<Entry[]>): AsyncGenerator<Outcome> {
  try {
    for await (const page of pages) yield { page }
  } catch (failure) {
    yield { failure }
  }
}
