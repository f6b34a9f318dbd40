import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ObjectInfo } from '../../lib/objects/object-store.ts'
import { describeCopies, describeDeletes, describeKeys } from './object-contract-keys.ts'
import { describeLists, describeRanges } from './object-contract-reads.ts'
import { bytesOf, notFound, type OpenObjects, preconditionFailed, textOf } from './object-values.ts'

const WRITERS = 20

/** What every adapter of the port must do. */
export function describeObjectContract(name: string, open: OpenObjects): void {
  describe(`${name} as an object store`, () => {
    describeWholeObjects(open)
    describeConditions(open)
    describeRanges(open)
    describeLists(open)
    describeDeletes(open)
    describeCopies(open)
    describeKeys(open)
  })
}

function describeWholeObjects(open: OpenObjects): void {
  it.each([0, 1, 3 * 1024 * 1024])('gives back the %i bytes that were put, and their size', async (size) => {
    const store = await open()
    const bytes = randomBytes(size)
    const { etag, ...put } = await store.put('a/b/object', bytes)
    expect(put).toEqual({ size })
    expect(etag).not.toBe('')
    expect(Buffer.compare(await store.get('a/b/object'), bytes)).toBe(0)
    expect(await store.head('a/b/object')).toEqual({ size, etag })
  })

  it('puts a view of a larger buffer, no byte more', async () => {
    const store = await open()
    await store.put('view', bytesOf('[inside]').subarray(1, 7))
    expect(textOf(await store.get('view'))).toBe('inside')
  })

  it('replaces an object, and gives other bytes another etag', async () => {
    const store = await open()
    const first = await store.put('k', bytesOf('longer before'))
    const second = await store.put('k', bytesOf('after'))
    expect(second.etag).not.toBe(first.etag)
    expect(textOf(await store.get('k'))).toBe('after')
    expect(await store.head('k')).toEqual(second)
  })

  it('shows readers the old object or the new one while it is replaced, never a mixture', async () => {
    const store = await open()
    const versions = ['a', 'b'].map((letter) => Buffer.alloc(500_000, letter))
    await store.put('k', versions[0]!)
    const writes = (async () => {
      for (let i = 1; i <= 20; i++) await store.put('k', versions[i % 2]!)
    })()
    const reads = Array.from({ length: 20 }, async () => {
      const read = Buffer.from(await store.get('k'))
      expect(versions.some((version) => version.equals(read))).toBe(true)
    })
    await Promise.all([writes, ...reads])
  })

  it('says not_found for an object that is not there, whole, in part, of no length or shared', async () => {
    const store = await open()
    await store.put('folder/there', bytesOf('x'))
    for (const key of ['missing', 'folder', 'folder/missing', 'folder/missing/deeper']) {
      await expect(store.get(key)).rejects.toEqual(notFound)
      await expect(store.get(key, { offset: 0, length: 1 })).rejects.toEqual(notFound)
      await expect(store.get(key, { offset: 0, length: 0 })).rejects.toEqual(notFound)
      await expect(store.getShared(key)).rejects.toEqual(notFound)
      expect(await store.head(key)).toBeUndefined()
    }
  })
}

function describeConditions(open: OpenObjects): void {
  it('puts if absent only where nothing is', async () => {
    const store = await open()
    const { etag } = await store.put('k', bytesOf('first'), { ifAbsent: true })
    await expect(store.put('k', bytesOf('second'), { ifAbsent: true })).rejects.toEqual(preconditionFailed)
    expect(textOf(await store.get('k'))).toBe('first')
    expect(await store.head('k')).toEqual({ size: 5, etag })
    await store.delete('k')
    await store.put('k', bytesOf('third'), { ifAbsent: true })
  })

  it('lets one of twenty that put if absent win, and it is that one that is there', async () => {
    const store = await open()
    const { index, info } = await oneWinner((i) => store.put('r/k', bytesOf(`writer ${i}`), { ifAbsent: true }))
    expect(textOf(await store.get('r/k'))).toBe(`writer ${index}`)
    expect(await store.head('r/k')).toEqual(info)
  })

  it('replaces the object that has the etag, and no other', async () => {
    const store = await open()
    const first = await store.put('k', bytesOf('first'))
    const second = await store.put('k', bytesOf('second'), { ifMatch: first.etag })
    await expect(store.put('k', bytesOf('third'), { ifMatch: first.etag })).rejects.toEqual(preconditionFailed)
    await expect(store.put('k', bytesOf('third'), { ifMatch: '"no/such etag"' })).rejects.toEqual(preconditionFailed)
    expect(textOf(await store.get('k'))).toBe('second')
    expect(await store.head('k')).toEqual(second)
  })

  it('fails to replace an object that is not there', async () => {
    const store = await open()
    const { etag } = await store.put('folder/gone', bytesOf('x'))
    await store.delete('folder/gone')
    for (const key of ['folder/gone', 'folder', 'never/was'])
      await expect(store.put(key, bytesOf('y'), { ifMatch: etag })).rejects.toEqual(preconditionFailed)
    expect((await store.list('')).objects).toEqual([])
  })

  it('lets one of twenty that replace the same object win, round after round', async () => {
    const store = await open()
    let { etag } = await store.put('k', bytesOf('start'))
    for (let round = 0; round < 5; round++) {
      const ifMatch = etag
      const { index, info } = await oneWinner((i) => store.put('k', bytesOf(`${round} by ${i}`), { ifMatch }))
      expect(textOf(await store.get('k'))).toBe(`${round} by ${index}`)
      etag = info.etag
    }
  })
}

/** Runs puts at once of which one may succeed. */
async function oneWinner(put: (index: number) => Promise<ObjectInfo>): Promise<{ index: number; info: ObjectInfo }> {
  const outcomes = await Promise.allSettled(Array.from({ length: WRITERS }, (_, index) => put(index)))
  const winners = outcomes.flatMap((outcome, index) =>
    outcome.status === 'fulfilled' ? [{ index, info: outcome.value }] : [],
  )
  for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toEqual(preconditionFailed)
  expect(winners).toHaveLength(1)
  return winners[0]!
}
