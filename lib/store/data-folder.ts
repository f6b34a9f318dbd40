import { MemoryFS, type PGlite } from '@electric-sql/pglite'
import { fileMemory, growInPlace, isFolder, type MemoryFile, type MemoryNode } from './growing-files.ts'
import type { ImageParts } from './image-parts.ts'
import { TAR_END_BYTES, TarReader, tarHeader, tarPadding } from './tar.ts'

/** Where the engine has its data folder. */
const ROOT = '/pglite/data'

/** What is used of the engine's file system (Emscripten's). */
interface Files {
  mkdirTree(path: string, mode: number): void
  writeFile(path: string, bytes: Uint8Array, options: { mode: number; canOwn: boolean }): void
  readdir(path: string): string[]
  stat(path: string): { mode: number; size: number }
  isDir(mode: number): boolean
  lookupPath(path: string): { node: MemoryNode }
  open(path: string, flags: string): object
  read(file: object, buffer: Uint8Array, offset: number, length: number, position: number): number
  close(file: object): void
}

function filesOf(pg: PGlite): Files {
  return pg.Module.FS as unknown as Files
}

/**
 * The data folder of an engine that boots from an image. The image comes in parts and each file is written once, into
 * memory that becomes the file's own: `loadDataDir` would hold the image three times over while it loads, and takes
 * longer.
 */
export class ImageFolder extends MemoryFS {
  readonly #parts: ImageParts

  constructor(parts: ImageParts) {
    super()
    this.#parts = parts
  }

  override async initialSyncFs(): Promise<void> {
    const files = filesOf(this.pg!)
    files.mkdirTree(ROOT, 0o700)
    const reader = new TarReader(({ name, kind }, content) => {
      const path = `${ROOT}/${name.replace(/^\/+/, '')}`
      if (kind === 'folder') files.mkdirTree(path, 0o700)
      else files.writeFile(path, content, { mode: 0o600, canOwn: true })
    }, fileMemory)
    for (let index = 0; index < this.#parts.count; index++) reader.push(await this.#parts.part(index))
    reader.end()
    // Without it the engine would make an empty database of its own, and take its time for it.
    if (!files.readdir(ROOT).includes('PG_VERSION')) throw new Error('the image has no database')
    growInPlace(files.lookupPath(`${ROOT}/PG_VERSION`).node as MemoryFile)
  }
}

/** Bytes of the files in the data folder. Looks at no file by its path: there are a thousand, and somebody asks every second. */
export function folderBytes(pg: PGlite): number {
  return bytesOf(filesOf(pg).lookupPath(ROOT).node)
}

function bytesOf(node: MemoryNode): number {
  if (!isFolder(node)) return node.usedBytes
  let sum = 0
  for (const each of Object.values(node.contents)) sum += bytesOf(each)
  return sum
}

interface Place {
  /** Below the data folder. */
  name: string
  kind: 'file' | 'folder'
  size: number
}

/** Segments of the log of changes that a database needs to start; their names sort as they follow one another. */
export interface NeededWal {
  first: string
  last: string
}

/**
 * The data folder as a tar, in parts of `partBytes` (the last one is smaller). Nothing may be written meanwhile. Segments
 * of the log of changes that are only kept to be used again stay out: they are up to 32 MB.
 */
export function* imageOf(pg: PGlite, partBytes: number, wal: NeededWal): Generator<Uint8Array> {
  const files = filesOf(pg)
  let part = new Uint8Array(partBytes)
  let used = 0
  /** Takes bytes from `source`, which fills a place in the part and says how much it has put there. */
  function* take(bytes: number, source: (part: Uint8Array, at: number, most: number, done: number) => void) {
    for (let done = 0; done < bytes; ) {
      const most = Math.min(bytes - done, partBytes - used)
      source(part, used, most, done)
      done += most
      used += most
      if (used === partBytes) {
        yield part
        part = new Uint8Array(partBytes)
        used = 0
      }
    }
  }
  const zeros = () => undefined
  for (const { name, kind, size } of placesIn(files, '')) {
    if (isSpareWal(name, wal)) continue
    const header = tarHeader({ name, kind, size })
    yield* take(header.byteLength, (into, at, most, done) => into.set(header.subarray(done, done + most), at))
    if (size === 0) continue
    const file = files.open(`${ROOT}/${name}`, 'r')
    try {
      yield* take(size, (into, at, most, done) => {
        if (files.read(file, into, at, most, done) !== most) throw new Error(`${name} changed while it was read`)
      })
    } finally {
      files.close(file)
    }
    yield* take(tarPadding(size), zeros)
  }
  yield* take(TAR_END_BYTES, zeros)
  if (used > 0) yield part.slice(0, used)
}

function isSpareWal(name: string, { first, last }: NeededWal): boolean {
  const segment = /^pg_wal\/([0-9A-F]{24})$/.exec(name)?.[1]
  return segment !== undefined && (segment < first || segment > last)
}

function* placesIn(files: Files, folder: string): Generator<Place> {
  for (const entry of files.readdir(`${ROOT}${folder}`).sort()) {
    if (entry === '.' || entry === '..') continue
    const path = `${folder}/${entry}`
    const { mode, size } = files.stat(ROOT + path)
    if (!files.isDir(mode)) {
      yield { name: path.slice(1), kind: 'file', size }
      continue
    }
    yield { name: path.slice(1), kind: 'folder', size: 0 }
    yield* placesIn(files, path)
  }
}
