import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { LIST_LIMIT, type ObjectStore } from '../../lib/objects/object-store.ts'
import { bytesOf, type OpenObjects, textOf } from './object-values.ts'

/** Reading parts of objects and lists of them. */
export function describeRanges(open: OpenObjects): void {
  it.each([
    ['the middle', 2, 3, 'cde'],
    ['the start', 0, 2, 'ab'],
    ['the last byte', 9, 1, 'j'],
    ['all of it', 0, 10, 'abcdefghij'],
    ['past the end, which is cut', 8, 5, 'ij'],
    ['far past the end, which is cut', 1, 2 ** 40, 'bcdefghij'],
    ['from the end on', 10, 1, ''],
    ['behind the end', 99, 5, ''],
    ['of no length', 3, 0, ''],
  ])('reads a range: %s', async (_, offset, length, expected) => {
    const store = await open()
    await store.put('k', bytesOf('abcdefghij'))
    expect(textOf(await store.get('k', { offset, length }))).toBe(expected)
  })

  it('reads nothing of an empty object', async () => {
    const store = await open()
    await store.put('k', new Uint8Array())
    expect(await store.get('k', { offset: 0, length: 5 })).toHaveLength(0)
  })

  it('reads a large object in parts', async () => {
    const store = await open()
    const bytes = randomBytes(1_000_000)
    await store.put('k', bytes)
    const parts: Uint8Array[] = []
    for (let offset = 0; offset < bytes.length; offset += 300_001)
      parts.push(await store.get('k', { offset, length: 300_001 }))
    expect(Buffer.compare(Buffer.concat(parts), bytes)).toBe(0)
  })

  it.each([0, 1, 1_000_000])('reads %i bytes into memory that threads share', async (length) => {
    const store = await open()
    const bytes = randomBytes(length)
    await store.put('k', bytes)
    const shared = await store.getShared('k')
    expect(shared.buffer).toBeInstanceOf(SharedArrayBuffer)
    expect(Buffer.compare(shared, bytes)).toBe(0)
  })
}

export function describeLists(open: OpenObjects): void {
  it('lists what starts with a prefix in byte order, whatever the folders are', async () => {
    const store = await open()
    const keys = [
      'A',
      'a-b',
      'a-b-c',
      'a.b',
      'a/B',
      'a/b',
      'a/b-c',
      'a/b.c',
      'a/c/d',
      'a/c/d-e',
      'a0',
      'a=b',
      'aB',
      'a_b',
    ]
    for (const key of keys.toReversed()) await store.put(key, bytesOf(key))
    const prefixes = ['', 'a', 'a/', 'a/b', 'a/c', 'a/c/', 'a/c/d', 'a-', 'a.b', 'A', 'b', 'a/x', 'a/b/', 'x/y/']
    for (const prefix of prefixes) {
      const expected = keys.filter((key) => key.startsWith(prefix)).map((key) => ({ key, size: key.length }))
      expect(await store.list(prefix), `prefix ${prefix}`).toEqual({ objects: expected })
    }
  })

  it('lists in pages, across folders, each going on after the last key of the one before', async () => {
    const store = await open()
    const keys = Array.from({ length: 25 }, (_, i) => `p/${'abcde'[i % 5]}${'-./'[i % 3]}${String(i).padStart(2, '0')}`)
    for (const key of [...keys, 'o/before', 'q/after']) await store.put(key, bytesOf('x'))
    const pages = await pagesOf(store, 'p/', 10)
    expect(pages.map((page) => page.length)).toEqual([10, 10, 5])
    expect(pages.flat()).toEqual(keys.toSorted())
  })

  it('ends, when the last page is full, there or with an empty page', async () => {
    const store = await open()
    for (const key of ['k/1', 'k/2', 'k/3', 'k/4']) await store.put(key, bytesOf('x'))
    const pages = await pagesOf(store, 'k/', 2)
    expect(pages.slice(0, 2)).toEqual([
      ['k/1', 'k/2'],
      ['k/3', 'k/4'],
    ])
    expect(pages.slice(2).flat()).toEqual([])
  })

  it('goes on after a key that is not there', async () => {
    const store = await open()
    for (const key of ['k/1', 'k/3', 'k/5']) await store.put(key, bytesOf('x'))
    expect(await store.list('k/', { after: 'k/2', limit: 1 })).toEqual({
      objects: [{ key: 'k/3', size: 1 }],
      next: 'k/3',
    })
    expect(await store.list('k/', { after: 'k/5' })).toEqual({ objects: [] })
  })

  it('lists at most a thousand keys at once', async () => {
    const store = await open()
    const keys = Array.from({ length: LIST_LIMIT + 1 }, (_, i) => `k/${10_000 + i}`)
    for (let i = 0; i < keys.length; i += 50)
      await Promise.all(keys.slice(i, i + 50).map((key) => store.put(key, new Uint8Array())))
    const page = await store.list('k/', { limit: 5_000 })
    expect(page.objects).toHaveLength(LIST_LIMIT)
    expect(page.next).toBe(keys[LIST_LIMIT - 1])
  })

  it('lists while objects come and go', async () => {
    const store = await open()
    const keys = Array.from({ length: 40 }, (_, i) => `k/${100 + i}`)
    await Promise.all(keys.map((key) => store.put(key, bytesOf('x'))))
    await store.put('stays', bytesOf('x'))
    const lists = Array.from({ length: 10 }, async () => {
      const { objects } = await store.list('')
      expect(objects.map(({ key }) => key)).toContain('stays')
    })
    await Promise.all([...keys.map((key) => store.delete(key)), ...lists])
  })
}

async function pagesOf(store: ObjectStore, prefix: string, limit: number): Promise<string[][]> {
  const pages: string[][] = []
  for (let after: string | undefined; ; ) {
    const { objects, next } = await store.list(prefix, { limit, ...(after === undefined ? {} : { after }) })
    pages.push(objects.map(({ key }) => key))
    if (next === undefined) return pages
    after = next
  }
}
