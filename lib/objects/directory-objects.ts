import { createHash, randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type ByteRange,
  checkKey,
  conditionFailed,
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

/** A lock older than this was left by a process that died: the work under it takes milliseconds. */
const STALE_LOCK_MS = 10_000

/**
 * Objects as files below a folder. An object is written aside, synced, and then linked or renamed into place in one
 * step, with its folder synced: it is there whole or not at all, and still there after a power loss.
 */
export class DirectoryObjects implements ObjectStore {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<ObjectInfo> {
    const file = this.#file(key)
    const temporary = await this.#writeAside(bytes)
    try {
      await mkdir(dirname(file), { recursive: true })
      if (options.ifAbsent) await linkIfAbsent(temporary, file, key)
      else if (options.ifMatch !== undefined) await this.#replaceIfMatch(temporary, file, key, options.ifMatch)
      else await rename(temporary, file)
      await syncFolder(dirname(file))
      return { size: bytes.byteLength, etag: etagOf(bytes) }
    } finally {
      await rm(temporary, { force: true })
    }
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array> {
    try {
      if (range === undefined) return await readFile(this.#file(key))
      const handle = await open(this.#file(key), 'r')
      try {
        const { bytesRead, buffer } = await handle.read(Buffer.alloc(range.length), 0, range.length, range.offset)
        return buffer.subarray(0, bytesRead)
      } finally {
        await handle.close()
      }
    } catch (error) {
      throw isMissing(error) ? notFound(key, error) : error
    }
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
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
    if (folder !== '') checkKey(folder.slice(0, -1))
    const keys = (await this.#keysBelow(folder)).filter((key) => key.startsWith(prefix) && key > after).sort()
    const page = keys.slice(0, limit)
    const objects = await Promise.all(page.map(async (key) => ({ key, size: (await stat(this.#file(key))).size })))
    return keys.length > limit ? { objects, next: page.at(-1)! } : { objects }
  }

  async delete(key: string): Promise<void> {
    const file = this.#file(key)
    await rm(file, { force: true })
    await syncFolder(dirname(file)).catch(() => undefined)
  }

  async copy(from: string, to: string): Promise<void> {
    const source = this.#file(from)
    const file = this.#file(to)
    const temporary = await this.#temporaryFile()
    try {
      // Shares the blocks where the file system can.
      await copyFile(source, temporary, constants.COPYFILE_FICLONE)
      await syncFile(temporary)
      await mkdir(dirname(file), { recursive: true })
      await rename(temporary, file)
      await syncFolder(dirname(file))
    } catch (error) {
      throw isMissing(error) ? notFound(from, error) : error
    } finally {
      await rm(temporary, { force: true })
    }
  }

  #file(key: string): string {
    checkKey(key)
    return join(this.#root, key)
  }

  async #temporaryFile(): Promise<string> {
    const folder = join(this.#root, TEMPORARY)
    await mkdir(folder, { recursive: true })
    return join(folder, randomUUID())
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
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.#root.length + 1))
      .filter((key) => !key.startsWith(TEMPORARY))
  }

  /** A file system has no compare-and-swap, so comparing and renaming are done under a lock file. */
  async #replaceIfMatch(temporary: string, file: string, key: string, etag: string): Promise<void> {
    const lock = join(this.#root, TEMPORARY, `${createHash('sha256').update(key).digest('hex')}.lock`)
    await takeLock(lock)
    try {
      const current = await this.head(key)
      if (current?.etag !== etag) throw conditionFailed(key, { ifMatch: etag })
      await rename(temporary, file)
    } finally {
      await unlink(lock)
    }
  }
}

async function linkIfAbsent(temporary: string, file: string, key: string): Promise<void> {
  try {
    await link(temporary, file)
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? conditionFailed(key, { ifAbsent: true }, error) : error
  }
}

async function takeLock(lock: string): Promise<void> {
  for (;;) {
    try {
      await (await open(lock, 'wx')).close()
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const held = await stat(lock).catch(() => undefined)
    if (held !== undefined && Date.now() - held.mtimeMs > STALE_LOCK_MS) await rm(lock, { force: true })
    else await delay(5)
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
  return code === 'ENOENT' || code === 'ENOTDIR'
}
