import { isBorealError } from '../model/errors.ts'
import { objectsBelow } from './folders.ts'
import type { ObjectStore } from './object-store.ts'

/** A folder of objects that may be no longer needed. */
export interface Retirable {
  id: string
  /** Its mark, when it has one that can be believed. */
  deletion?: { markedAt: number } | undefined
}

export interface RetirementOptions {
  objects: ObjectStore
  /** Server time, ms. */
  now: number
  /** Ms between the mark and the deletion. */
  graceMs: number
  /** The folder of an id, ending with `/`. */
  prefix(id: string): string
  /** Name of the mark in its folder, and its bytes. */
  mark: { name: string; bytes(id: string): Uint8Array }
  /** Documents without which nobody takes what is left for anything: they go first. */
  documents: readonly string[]
}

/**
 * Deletes folders that are not kept. First each is marked; when the grace has passed, it is looked at again, and deleted if
 * it is still not kept. So whoever had begun to read or to write it has time to end, and one run that sees a wrong picture
 * deletes nothing. May be stopped anywhere: the next run goes on.
 */
export async function retire<Folder extends Retirable>(
  all: readonly Folder[],
  kept: ReadonlySet<Folder>,
  options: RetirementOptions,
): Promise<{ marked: string[]; deleted: string[] }> {
  const { objects, now, graceMs, prefix, mark } = options
  const done = { marked: [] as string[], deleted: [] as string[] }
  for (const folder of all) {
    const { id, deletion } = folder
    if (kept.has(folder)) {
      if (deletion !== undefined) await objects.delete(prefix(id) + mark.name)
    } else if (deletion === undefined) {
      if (await putMark(objects, prefix(id) + mark.name, mark.bytes(id))) done.marked.push(id)
    } else if (now - deletion.markedAt >= graceMs) {
      await remove(id, options)
      done.deleted.push(id)
    }
  }
  return done
}

async function putMark(objects: ObjectStore, key: string, bytes: Uint8Array): Promise<boolean> {
  try {
    await objects.put(key, bytes, { ifAbsent: true })
    return true
  } catch (error) {
    if (!isBorealError(error, 'precondition_failed')) throw error
    // A mark that cannot be read counts for nothing, and must not stay for ever.
    await objects.delete(key)
    return false
  }
}

/** The mark goes last: while it is there, the next run knows that there is something left to delete. */
async function remove(id: string, { objects, prefix, mark, documents }: RetirementOptions): Promise<void> {
  for (const name of documents) await objects.delete(prefix(id) + name)
  const left: string[] = []
  for await (const { key } of objectsBelow(objects, prefix(id))) left.push(key)
  for (const key of left) if (key !== prefix(id) + mark.name) await objects.delete(key)
  await objects.delete(prefix(id) + mark.name)
}
