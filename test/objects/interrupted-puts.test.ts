import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { DirectoryObjects } from '../../lib/objects/directory-objects.ts'
import type { ObjectStore } from '../../lib/objects/object-store.ts'
import { ChildScript } from '../support/child-script.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { bytesOf, invalidField, textOf } from './object-values.ts'
import type { PutChildInput } from './put-child.ts'

describe('Processes that are killed or stopped while they put objects', () => {
  it('leave only whole objects when they are killed, and all that were acknowledged', async () => {
    const root = await temporaryFolder()
    const store = new DirectoryObjects(root)
    const acknowledged: string[] = []
    for (let round = 0; round < 5; round++) {
      const writer = await start({ root, name: `w${round}`, work: 'puts' })
      await vi.waitUntil(() => writer.done.length > 10, { timeout: 10_000, interval: 1 })
      await delay(Math.random() * 20)
      await writer.kill()
      acknowledged.push(...writer.done)
      const keys = await allKeys(store)
      expect(keys).toEqual(expect.arrayContaining(acknowledged))
      for (const key of keys) expect(isWhole(await store.get(key)), key).toBe(true)
    }
    expect(acknowledged.length).toBeGreaterThan(50)
  })

  it('show nothing of a put that is under way', async () => {
    const root = await temporaryFolder()
    const store = new DirectoryObjects(root)
    const writer = await start({ root, name: 'w', work: 'puts' })
    let underWay = 0
    for (let i = 0; i < 200 && underWay < 10; i++) {
      await delay(Math.random() * 10)
      writer.script.stop()
      const temporary = await filesUnderWay(root)
      if (temporary.length > 0) underWay++
      const keys = await allKeys(store)
      for (const key of keys) expect(isWhole(await store.get(key)), key).toBe(true)
      expect(keys.filter((key) => key.includes('~'))).toEqual([])
      for (const name of temporary) await expect(store.get(`.tmp~/${name}`)).rejects.toEqual(invalidField)
      writer.script.continue()
    }
    expect(underWay).toBeGreaterThanOrEqual(10)
  })

  it('lose no replacement of each other that was acknowledged, and hold nobody up', async () => {
    const root = await temporaryFolder()
    const store = new DirectoryObjects(root)
    await store.put('lines', bytesOf(''))
    const acknowledged: string[] = []
    for (let round = 0; round < 4; round++) {
      const names = ['a', 'b', 'c'].map((letter) => `${letter}${round}`)
      const writers = await Promise.all(names.map((name) => start({ root, name, work: 'additions' })))
      await vi.waitUntil(() => writers.every(({ done }) => done.length > 0), { timeout: 10_000, interval: 5 })
      // One is stopped wherever it is, and goes on when others have changed the object.
      const [stopped, killed, survivor] = writers as [Writer, Writer, Writer]
      stopped.script.stop()
      await killed.kill()
      const before = survivor.done.length
      await vi.waitUntil(() => survivor.done.length > before + 5, { timeout: 5_000, interval: 5 })
      stopped.script.continue()
      await delay(50)
      await Promise.all([stopped.kill(), survivor.kill()])
      for (const { done } of writers) acknowledged.push(...done)
    }
    const lines = textOf(await store.get('lines'))
      .split('\n')
      .slice(0, -1)
    expect(new Set(lines).size).toBe(lines.length)
    expect(lines).toEqual(expect.arrayContaining(acknowledged))
    // At most the one that each of the twelve was at when it was killed.
    expect(lines.length - acknowledged.length).toBeLessThanOrEqual(12)
  })
})

interface Writer {
  script: ChildScript
  /** What it was told is done. */
  done: string[]
  kill(): Promise<void>
}

async function start(input: PutChildInput): Promise<Writer> {
  const script = await ChildScript.start('./put-child.ts', import.meta.url, input)
  const { child } = script
  const writer: Writer = {
    script,
    done: [],
    kill: async () => {
      const closed = once(child, 'close')
      child.kill('SIGKILL')
      await closed
    },
  }
  let text = ''
  child.stdout!.on('data', (chunk: Buffer) => {
    const lines = (text + chunk.toString()).split('\n')
    text = lines.pop()!
    writer.done.push(...lines)
  })
  return writer
}

async function allKeys(store: ObjectStore): Promise<string[]> {
  return (await store.list('')).objects.map(({ key }) => key)
}

/** An object of the child begins with the hash of the rest. */
function isWhole(object: Uint8Array): boolean {
  return createHash('sha256').update(object.subarray(32)).digest().equals(object.subarray(0, 32))
}

async function filesUnderWay(root: string): Promise<string[]> {
  return readdir(join(root, '.tmp~')).catch(() => [])
}
