import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { isBorealError } from '../../lib/model/errors.ts'
import { bytesOf, invalidField, notFound, type OpenObjects, textOf } from './object-values.ts'
import { KEYED_CALLS, UNSAFE_KEYS, UNSAFE_PREFIXES } from './unsafe-keys.ts'

export function describeDeletes(open: OpenObjects): void {
  it('deletes one object, and again without a word', async () => {
    const store = await open()
    await store.put('f/a', bytesOf('a'))
    await store.put('f/ab', bytesOf('ab'))
    await store.delete('f/a')
    await store.delete('f/a')
    await store.delete('never/was')
    await expect(store.get('f/a')).rejects.toEqual(notFound)
    expect(await store.list('')).toEqual({ objects: [{ key: 'f/ab', size: 2 }] })
  })

  it('deletes nothing below a key that is only the start of others', async () => {
    const store = await open()
    await store.put('f/g/a', bytesOf('a'))
    await store.delete('f')
    await store.delete('f/g')
    expect(textOf(await store.get('f/g/a'))).toBe('a')
  })
}

export function describeCopies(open: OpenObjects): void {
  it('copies an object, which then lives by itself', async () => {
    const store = await open()
    const bytes = randomBytes(200_000)
    await store.put('from/a=1', bytes)
    await store.copy('from/a=1', 'to/deep/b')
    await store.put('from/a=1', bytesOf('changed'))
    expect(Buffer.compare(await store.get('to/deep/b'), bytes)).toBe(0)
    await store.delete('from/a=1')
    expect(await store.head('to/deep/b')).toMatchObject({ size: bytes.length })
  })

  it('copies over an object', async () => {
    const store = await open()
    const { etag } = await store.put('a', bytesOf('new'))
    await store.put('b', bytesOf('the old one'))
    await store.copy('a', 'b')
    expect(textOf(await store.get('b'))).toBe('new')
    expect(await store.head('b')).toEqual({ size: 3, etag })
  })

  it('says not_found when there is nothing to copy, and leaves the target as it was', async () => {
    const store = await open()
    await store.put('folder/target', bytesOf('old'))
    for (const key of ['missing', 'folder', 'folder/missing']) {
      await expect(store.copy(key, 'folder/target')).rejects.toEqual(notFound)
      await expect(store.copy(key, 'other/target')).rejects.toEqual(notFound)
    }
    expect(textOf(await store.get('folder/target'))).toBe('old')
    expect(await store.list('')).toEqual({ objects: [{ key: 'folder/target', size: 3 }] })
  })
}

export function describeKeys(open: OpenObjects): void {
  it('takes keys of many and of long segments', async () => {
    const store = await open()
    for (const key of ['..a', 'a..b/.c', '-', '=', 'a'.repeat(200), Array(50).fill('seg').join('/')]) {
      await store.put(key, bytesOf(key))
      expect(textOf(await store.get(key))).toBe(key)
    }
  })

  it.each(KEYED_CALLS)('%s refuses keys that could mean anything but themselves', async (_, call) => {
    const store = await open()
    const taken: string[] = []
    for (const key of UNSAFE_KEYS) {
      const outcome = await call(store, key).catch((error: unknown) => error)
      if (!isBorealError(outcome, 'invalid_field')) taken.push(key)
    }
    expect(taken).toEqual([])
    expect(await store.list('')).toEqual({ objects: [] })
  })

  it('refuses prefixes that no key starts with', async () => {
    const store = await open()
    for (const prefix of UNSAFE_PREFIXES) await expect(store.list(prefix)).rejects.toEqual(invalidField)
  })
}
