import { createHash } from 'node:crypto'
import { mkdir, readdir, rename, rm, rmdir, unlink } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** A new content for a file that must still have the old one. */
export interface Replacement {
  /** The new bytes, in a file of their own. */
  temporary: string
  file: string
  /** Names the file, whatever the path by which a process sees it. */
  key: string
  /** What the file must still be. */
  etag: string
  /** The etag of the file as it is; `undefined` when there is none. */
  currentEtag(): Promise<string | undefined>
  /** Folder on the same file system for what is under way. */
  workFolder: string
}

/**
 * Compare-and-swap, which file systems do not have. Tells whether the file was replaced.
 *
 * A replacement first claims the file: a folder with nothing but the new bytes in it is renamed to the file's slot,
 * which fails while another claim is there. A claim is settled by whoever comes, its owner or the next one who wants
 * the slot: the bytes go into place when the file still has the etag, else aside. Either way it is one rename of a name
 * that is never used again, so it happens once, however many settle it and however late. There is no lock that a
 * process could leave when it dies, or lose when it is stopped.
 */
export async function replaceFile(replacement: Replacement): Promise<boolean> {
  const { temporary, key, etag, currentEtag, workFolder } = replacement
  if ((await currentEtag()) !== etag) return false
  const slot = join(workFolder, `${createHash('sha256').update(key).digest('hex')}.slot`)
  const name = `${basename(temporary)}.${etag}`
  const claim = `${temporary}.claim`
  try {
    await mkdir(claim)
    await rename(temporary, join(claim, name))
    while (!(await moved(claim, slot, 'ENOTEMPTY', 'EEXIST'))) await settle(slot, replacement)
    await settle(slot, replacement)
    await rmdir(slot).catch(() => undefined)
    return !(await removed(asideOf(workFolder, name)))
  } finally {
    await rm(claim, { recursive: true, force: true })
  }
}

/** Brings the claim in the slot to its end, if there is one. */
async function settle(slot: string, { file, currentEtag, workFolder }: Replacement): Promise<void> {
  const [name] = await readdir(slot).catch((error) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  if (name === undefined) return
  const holds = (await currentEtag()) === name.slice(name.lastIndexOf('.') + 1)
  await moved(join(slot, name), holds ? file : asideOf(workFolder, name), 'ENOENT')
}

const asideOf = (workFolder: string, name: string) => join(workFolder, `${name}.refused`)

/** Renames; false when it fails with one of these codes. */
async function moved(from: string, to: string, ...codes: string[]): Promise<boolean> {
  try {
    await rename(from, to)
    return true
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code!)) return false
    throw error
  }
}

async function removed(file: string): Promise<boolean> {
  try {
    await unlink(file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
