import type { ObjectStore } from '../../lib/objects/object-store.ts'

/** Keys that leave a folder, name two things at once, or are something else on some file system or server. */
export const UNSAFE_KEYS = [
  '',
  '.',
  '..',
  '...',
  '/',
  '/a',
  'a/',
  'a//b',
  '../x',
  'a/..',
  'a/../b',
  'a/../../x',
  'a/./b',
  './a',
  '%2e%2e/x',
  '%2e%2e%2fx',
  '..\\x',
  'a\\b',
  'C:x',
  'a\0',
  'a\0/../../x',
  'a\nb',
  'a\n',
  'a b',
  'a?b',
  'a#b',
  'é',
  '..\u2215x',
  '~/a',
  '.tmp~',
  '.tmp~/a',
  // File systems end names at 255 bytes, S3 keys at 1,024.
  'a'.repeat(256),
  Array(301).fill('abc').join('/'),
]

export const UNSAFE_PREFIXES = [
  '/',
  '//',
  '../',
  '..//',
  '/etc/',
  'a//',
  'a/../',
  './',
  'a\\',
  'a\0',
  'a b',
  '%2e',
  '.tmp~/',
]

const bytes = new Uint8Array([1])

/** Every method that takes a key. */
export const KEYED_CALLS: [string, (store: ObjectStore, key: string) => Promise<unknown>][] = [
  ['put', (store, key) => store.put(key, bytes)],
  ['put if absent', (store, key) => store.put(key, bytes, { ifAbsent: true })],
  ['put if match', (store, key) => store.put(key, bytes, { ifMatch: 'x' })],
  ['get', (store, key) => store.get(key)],
  ['get of a range', (store, key) => store.get(key, { offset: 0, length: 1 })],
  ['get of an empty range', (store, key) => store.get(key, { offset: 0, length: 0 })],
  ['get into shared memory', (store, key) => store.getShared(key)],
  ['head', (store, key) => store.head(key)],
  ['delete', (store, key) => store.delete(key)],
  ['copy from', (store, key) => store.copy(key, 'a')],
  ['copy to', (store, key) => store.copy('a', key)],
]
