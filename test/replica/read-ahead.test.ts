import { expect, test } from 'vitest'
import type { Entry } from '../../lib/log/entry.ts'
import { readAhead } from '../../lib/replica/read-ahead.ts'

const page = (lsn: number) => [{ lsn } as Entry]

/** Pages, and how many were asked for; `ended` when nobody wants more. */
function pagesOf(count: number, failure?: Error) {
  const seen = { asked: 0, ended: false }
  async function* pages() {
    try {
      for (let lsn = 1; lsn <= count; lsn++) {
        seen.asked = lsn
        yield page(lsn)
      }
      if (failure !== undefined) throw failure
    } finally {
      seen.ended = true
    }
  }
  return { seen, pages: pages() }
}

async function all(pages: AsyncIterable<Entry[]>): Promise<number[]> {
  const found: number[] = []
  for await (const [entry] of pages) found.push(entry!.lsn)
  return found
}

test('some pages are read before anybody asks, the others when there is room, and all come in their order', async () => {
  const { seen, pages } = pagesOf(20)
  const ahead = readAhead(pages)
  await expect.poll(() => seen.asked).toBeGreaterThan(1)
  expect(seen.asked).toBeLessThan(10)
  expect(await all(ahead)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
})

test('what fails before anybody asks is told to who does, behind what came before', async () => {
  const { seen, pages } = pagesOf(2, new Error('damaged'))
  const ahead = readAhead(pages)
  await expect.poll(() => seen.ended).toBe(true)
  const found: number[] = []
  const reading = (async () => {
    for await (const [entry] of ahead) found.push(entry!.lsn)
  })()
  await expect(reading).rejects.toThrow('damaged')
  expect(found).toEqual([1, 2])
})

test('nothing more is read when it is ended', async () => {
  const { seen, pages } = pagesOf(20)
  const ahead = readAhead(pages)
  await expect.poll(() => seen.asked).toBeGreaterThan(1)
  ahead.end()
  await expect.poll(() => seen.ended).toBe(true)
  expect(seen.asked).toBeLessThan(10)
})
