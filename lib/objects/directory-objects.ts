import { createHash, randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, type FileHandle, link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { replaceFile } from './file-replacement.ts'
import {
  type ByteRange,
  checkKey,
  checkPrefix,
  conditionFailed,
  isKey,
  LIST_LIMIT,
  type ListOptions,
  notFound,
  type ObjectInfo,
  type ObjectPage,
  type ObjectStore,
  type PutOptions,
} from './object-store.ts'

/** Folder for what is being written; its name is no key, so no object can be in it. */
const TEMPORARY = '.tmp~'

/**
 * Objects as files below a folder. An object is written aside, synced, and then linked or renamed into place in one
 * step, with its folders synced: it is there whole or not at all, and still there after a power loss. Several processes
 * may share a folder; what all of them do to one key is in order when all of them name a condition.
 */
export class DirectoryObjects implements ObjectStore {
  readonly #root: string
  /** Folders known to be on disk. */
  readonly #synced = new Set<string>()

  constructor(root: string) {
    this.#root = resolve(root)
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<ObjectInfo> {
    const file = this.#file(key)
    const temporary = await this.#writeAside(bytes)
    try {
      await this.#makeFolder(dirname(file))
      if (options.ifAbsent) await linkIfAbsent(temporary, file, key)
      else if (options.ifMatch !== undefined) await this.#replaceIfMatch(temporary, key, options.ifMatch)
      else await rename(temporary, file)
      await syncFolder(dirname(file))
      return { size: bytes.byteLength, etag: etagOf(bytes) }
    } finally {
      await rm(temporary, { force: true })
    }
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array> {
    if (range === undefined) {
      return readFile(this.#file(key)).catch((error) => {
        throw isMissing(error) ? notFound(key, error) : error
      })
    }
    return this.#opened(key, (handle, size) => {
      const length = Math.max(0, Math.min(range.length, size - range.offset))
      return readInto(handle, Buffer.alloc(length), range.offset)
    })
  }

  getShared(key: string): Promise<Uint8Array> {
    return this.#opened(key, (handle, size) => readInto(handle, new Uint8Array(new SharedArrayBuffer(size)), 0))
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    try {
      const bytes = await readFile(this.#file(key))
      return { size: bytes.byteLength, etag: etagOf(bytes) }
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ObjectPage> {
    const limit = Math.min(options.limit ?? LIST_LIMIT, LIST_LIMIT)
    const after = options.after ?? ''
    checkPrefix(prefix)
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
    const keys = (await this.#keysBelow(folder)).filter((key) => key.startsWith(prefix) && key > after).sort()
    const page = keys.slice(0, limit)
    const objects = (await Promise.all(page.map((key) => this.#sizeOf(key)))).filter((object) => object !== undefined)
    return keys.length > limit ? { objects, next: page.at(-1)! } : { objects }
  }

  async delete(key: string): Promise<void> {
    const file = this.#file(key)
    try {
      await rm(file)
      await syncFolder(dirname(file))
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }

  async copy(from: string, to: string): Promise<void> {
    const source = this.#file(from)
    const file = this.#file(to)
    const temporary = await this.#temporaryFile()
    try {
      // Shares the blocks where the file system can.
      await copyFile(source, temporary, constants.COPYFILE_FICLONE).catch((error) => {
        throw isMissing(error) ? notFound(from, error) : error
      })
      await syncFile(temporary)
      await this.#makeFolder(dirname(file))
      await rename(temporary, file)
      await syncFolder(dirname(file))
    } finally {
      await rm(temporary, { force: true })
    }
  }

  async #opened<T>(key: string, work: (handle: FileHandle, size: number) => Promise<T>): Promise<T> {
    try {
      const handle = await open(this.#file(key), 'r')
      try {
        const info = await handle.stat()
        if (!info.isFile()) throw notFound(key)
        return await work(handle, info.size)
      } finally {
        await handle.close()
      }
    } catch (error) {
      throw isMissing(error) ? notFound(key, error) : error
    }
  }

  #file(key: string): string {
    checkKey(key)
    return join(this.#root, key)
  }

  get #workFolder(): string {
    return join(this.#root, TEMPORARY)
  }

  async #temporaryFile(): Promise<string> {
    await this.#makeFolder(this.#workFolder)
    return join(this.#workFolder, randomUUID())
  }

  /** Makes a folder, durably: a folder is there after a power loss when the one above it was synced, and so on. */
  async #makeFolder(folder: string): Promise<void> {
    const made = await mkdir(folder, { recursive: true })
    if (this.#synced.has(folder)) return
    const last = made !== undefined && made.length < this.#root.length ? made : this.#root
    for (let above = folder; above.length >= last.length; above = dirname(above)) await syncFolder(dirname(above))
    this.#synced.add(folder)
  }

  async #writeAside(bytes: Uint8Array): Promise<string> {
    const file = await this.#temporaryFile()
    const handle = await open(file, 'wx')
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    return file
  }

  async #keysBelow(folder: string): Promise<string[]> {
    const entries = await readdir(join(this.#root, folder), { recursive: true, withFileTypes: true }).catch((error) => {
      if (isMissing(error)) return []
      throw error
    })
    // What is no key was put there by somebody else, or is under way.
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(this.#root, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
      .filter(isKey)
  }

  /** Undefined when the object went while the folder was read. */
  async #sizeOf(key: string): Promise<{ key: string; size: number } | undefined> {
    try {
      return { key, size: (await stat(this.#file(key))).size }
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  async #replaceIfMatch(temporary: string, key: string, etag: string): Promise<void> {
    const replaced = await replaceFile({
      temporary,
      file: this.#file(key),
      key,
      etag,
      currentEtag: async () => (await this.head(key))?.etag,
      workFolder: this.#workFolder,
    })
    if (!replaced) throw conditionFailed(key, { ifMatch: etag })
  }
}

/** Fills `bytes` with what the file has from `offset` on, and gives as much of it as there was. */
async function readInto(handle: FileHandle, bytes: Uint8Array, offset: number): Promise<Uint8Array> {
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.byteLength - done, offset + done)
    if (bytesRead === 0) return bytes.subarray(0, done)
    done += bytesRead
  }
  return bytes
}

async function linkIfAbsent(temporary: string, file: string, key: string): Promise<void> {
  try {
    await link(temporary, file)
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? conditionFailed(key, { ifAbsent: true }, error) : error
  }
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const syncFolder = syncFile

function etagOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  // A folder is no object.
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'ERR_FS_EISDIR'
}
