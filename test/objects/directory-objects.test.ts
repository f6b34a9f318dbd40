import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DirectoryObjects } from '../../lib/objects/directory-objects.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { describeObjectContract } from './object-contract.ts'
import { bytesOf, notFound, textOf } from './object-values.ts'
import { KEYED_CALLS, UNSAFE_KEYS, UNSAFE_PREFIXES } from './unsafe-keys.ts'

describeObjectContract('DirectoryObjects', async () => new DirectoryObjects(join(await temporaryFolder(), 'objects')))

describe('DirectoryObjects in its folder', () => {
  it('touches nothing outside of it, whatever the key', async () => {
    const outside = await temporaryFolder()
    for (const name of ['x', 'b', 'etc', 'objects.bak']) await writeFile(join(outside, name), `secret ${name}`)
    const store = new DirectoryObjects(join(outside, 'objects'))
    const before = await treeOf(outside)
    for (const [, call] of KEYED_CALLS)
      for (const key of UNSAFE_KEYS) expect(await call(store, key).catch(() => 'refused')).toBe('refused')
    for (const prefix of UNSAFE_PREFIXES) expect(await store.list(prefix).catch(() => 'refused')).toBe('refused')
    expect(await treeOf(outside)).toEqual(before)
  })

  it('leaves nothing but the object behind', async () => {
    const root = await temporaryFolder()
    const store = new DirectoryObjects(root)
    const { etag } = await store.put('a/b', bytesOf('1'), { ifAbsent: true })
    await store.put('a/b', bytesOf('2'), { ifAbsent: true }).catch(() => undefined)
    await store.put('a/b', bytesOf('3'), { ifMatch: etag })
    await store.put('a/b', bytesOf('4'), { ifMatch: etag }).catch(() => undefined)
    await store.copy('a/b', 'a/c')
    await store.copy('missing', 'a/d').catch(() => undefined)
    await store.delete('a/c')
    expect(await filesOf(root)).toEqual({ 'a/b': '3' })
  })

  it('makes the folder when it is missing, also where another process removed it', async () => {
    const root = join(await temporaryFolder(), 'not', 'yet', 'there')
    const store = new DirectoryObjects(root)
    expect(await store.list('')).toEqual({ objects: [] })
    expect(await store.head('a')).toBeUndefined()
    await store.delete('a')
    await store.put('a/b', bytesOf('x'))
    await rm(root, { recursive: true })
    await store.put('a/b', bytesOf('y'))
    expect(textOf(await store.get('a/b'))).toBe('y')
  })

  it.each([
    ['ends with a slash', (root: string) => `${root}/`],
    ['is relative', (root: string) => relative(process.cwd(), root)],
    ['has detours', (root: string) => `${root}/../${root.split('/').at(-1)}/.`],
  ])('finds its objects when its name %s', async (_, nameOf) => {
    const root = await temporaryFolder()
    const store = new DirectoryObjects(nameOf(root))
    await store.put('a/b', bytesOf('x'))
    expect(await store.list('a/')).toEqual({ objects: [{ key: 'a/b', size: 1 }] })
    expect(await new DirectoryObjects(root).list('')).toEqual({ objects: [{ key: 'a/b', size: 1 }] })
  })

  it('lists no file that is no object', async () => {
    const root = await temporaryFolder()
    const store = new DirectoryObjects(root)
    await store.put('a/b', bytesOf('x'))
    for (const name of ['a/b~', 'a/note to self', 'a/ö', '.tmp~/half', 'a/#b#'])
      await writeFile(join(root, name), 'no object')
    await mkdir(join(root, 'a', 'folder'))
    await symlink('/etc/hostname', join(root, 'a', 'link'))
    expect(await store.list('')).toEqual({ objects: [{ key: 'a/b', size: 1 }] })
  })

  it('is the same folder to every process: each sees what the others put', async () => {
    const root = await temporaryFolder()
    const [one, other] = [new DirectoryObjects(root), new DirectoryObjects(root)]
    const put = await one.put('k', bytesOf('x'))
    expect(await other.head('k')).toEqual(put)
    await other.put('k', bytesOf('y'), { ifMatch: put.etag })
    expect(textOf(await one.get('k'))).toBe('y')
    await one.delete('k')
    await expect(other.get('k')).rejects.toEqual(notFound)
  })
})

/** Paths of everything below a folder. */
async function treeOf(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort()
}

/** Files below a folder, with their text. */
async function filesOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const texts = await Promise.all(files.map(async (file) => [relative(folder, file), await readFile(file, 'utf8')]))
  return Object.fromEntries(texts)
}
