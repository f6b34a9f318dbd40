import { getOrInsert } from '../model/get-or-insert.ts'
import type { ObjectStore } from './object-store.ts'

/** Names of the objects in a folder, below it, and their sizes. */
export type FolderContents = Map<string, number>

/** The folders right below a prefix that ends with `/`, with what is in them; those alone whose name `isName` knows. */
export async function foldersBelow(
  objects: ObjectStore,
  root: string,
  isName: (name: string) => boolean,
): Promise<Map<string, FolderContents>> {
  const folders = new Map<string, FolderContents>()
  for await (const { key, size } of objectsBelow(objects, root)) {
    const [folder, ...rest] = key.slice(root.length).split('/')
    // What is named otherwise was put there by somebody else.
    if (isName(folder!)) getOrInsert(folders, folder!, () => new Map()).set(rest.join('/'), size)
  }
  return folders
}

/** What is in one folder; `prefix` ends with `/`. */
export async function folderContents(objects: ObjectStore, prefix: string): Promise<FolderContents> {
  const contents: FolderContents = new Map()
  for await (const { key, size } of objectsBelow(objects, prefix)) contents.set(key.slice(prefix.length), size)
  return contents
}

/** All objects whose keys start with a prefix, in the order of their keys. */
export async function* objectsBelow(
  objects: ObjectStore,
  prefix: string,
): AsyncGenerator<{ key: string; size: number }> {
  for (let after: string | undefined; ; ) {
    const page = await objects.list(prefix, after === undefined ? {} : { after })
    yield* page.objects
    if (page.next === undefined) return
    after = page.next
  }
}
