import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { replaceFile } from '../../lib/objects/file-replacement.ts'
import { gate } from '../support/scripted-log.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** In these tests the text of a file is its etag. Reads are counted: the first is before the claim, then it settles. */
const SETTLING = 2

describe('Replacing a file', () => {
  it('replaces what has the etag, and leaves nothing under way', async () => {
    const bed = await open('old')
    expect(await bed.replace('old', 'new')).toBe(true)
    expect(await bed.replace('old', 'late')).toBe(false)
    expect(await bed.text()).toBe('new')
    expect(await readdir(bed.workFolder)).toEqual([])
  })

  it('settles what a process left that died with its claim, and goes on', async () => {
    const bed = await open('old')
    const dead = bed.stopAt(SETTLING, 'before')
    void bed.replace('old', 'of the dead', dead)
    await dead.reached
    expect(await bed.replace('old', 'second')).toBe(false)
    expect(await bed.text()).toBe('of the dead')
    expect(await bed.replace('of the dead', 'third')).toBe(true)
    expect(await bed.text()).toBe('third')
  })

  it('is not held up by a process that died before it claimed the file', async () => {
    const bed = await open('old')
    const dead = bed.stopAt(1, 'after')
    void bed.replace('old', 'of the dead', dead)
    await dead.reached
    expect(await bed.replace('old', 'new')).toBe(true)
  })

  it.each(['before', 'after'] as const)('undoes nothing when it was stopped %s it read the etag', async (when) => {
    const bed = await open('old')
    const stopped = bed.stopAt(SETTLING, when)
    const replaced = bed.replace('old', 'of the stopped', stopped)
    await stopped.reached
    expect(await bed.replace('old', 'never')).toBe(false)
    expect(await bed.replace('of the stopped', 'next')).toBe(true)
    stopped.go()
    expect(await replaced).toBe(true)
    expect(await bed.text()).toBe('next')
  })

  it.each(['before', 'after'] as const)(
    'undoes nothing when it helped another and was stopped %s it read',
    async (when) => {
      const bed = await open('old')
      const first = bed.stopAt(SETTLING, 'before')
      const firstReplaced = bed.replace('old', 'first', first)
      await first.reached
      const helper = bed.stopAt(SETTLING, when)
      const helperReplaced = bed.replace('old', 'helper', helper)
      await helper.reached
      first.go()
      expect(await firstReplaced).toBe(true)
      expect(await bed.replace('first', 'old')).toBe(true)
      expect(await bed.replace('old', 'newest')).toBe(true)
      helper.go()
      expect(await helperReplaced).toBe(false)
      expect(await bed.text()).toBe('newest')
      expect(await readdir(bed.workFolder)).toEqual([])
    },
  )

  it('tells a process that was stopped that its claim was refused', async () => {
    const bed = await open('old')
    const stopped = bed.stopAt(SETTLING, 'before')
    const replaced = bed.replace('old', 'of the stopped', stopped)
    await stopped.reached
    // Somebody puts without a condition, then another replaces that.
    await writeFile(bed.file, 'put')
    expect(await bed.replace('put', 'next')).toBe(true)
    stopped.go()
    expect(await replaced).toBe(false)
    expect(await bed.text()).toBe('next')
  })

  it('keeps files of different keys apart', async () => {
    const bed = await open('old')
    const dead = bed.stopAt(SETTLING, 'before')
    void bed.replace('old', 'of the dead', dead)
    await dead.reached
    const other = await open('old', bed.folder, 'other')
    expect(await other.replace('old', 'new')).toBe(true)
    expect(await bed.text()).toBe('old')
  })
})

/** A place where a process stands still until it is told to go on. */
interface Stop {
  reached: Promise<void>
  go(): void
  read(read: () => Promise<string | undefined>): Promise<string | undefined>
}

async function open(text: string, folder?: string, key = 'file') {
  const root = folder ?? (await temporaryFolder())
  const workFolder = join(root, 'work')
  const file = join(root, key)
  await mkdir(workFolder, { recursive: true })
  await writeFile(file, text)
  const read = () => readFile(file, 'utf8').catch(() => undefined)
  return {
    folder: root,
    workFolder,
    file,
    text: read,
    /** Stops a replacement at its n-th reading of the etag. */
    stopAt(reading: number, when: 'before' | 'after'): Stop {
      const [reached, opened] = [gate(), gate()]
      let readings = 0
      const stand = async () => {
        reached.open()
        await opened.opened
      }
      return {
        reached: reached.opened,
        go: opened.open,
        read: async (read) => {
          const stops = ++readings === reading
          if (stops && when === 'before') await stand()
          const etag = await read()
          if (stops && when === 'after') await stand()
          return etag
        },
      }
    },
    async replace(etag: string, text: string, stop?: Stop): Promise<boolean> {
      const temporary = join(workFolder, randomUUID())
      await writeFile(temporary, text)
      const currentEtag = stop === undefined ? read : () => stop.read(read)
      try {
        return await replaceFile({ temporary, file, key, etag, currentEtag, workFolder })
      } finally {
        await rm(temporary, { force: true })
      }
    },
  }
}
