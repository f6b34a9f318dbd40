import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readBlocks } from '../../lib/dump/dump-format.ts'
import { loadDump } from '../../lib/dump/load-dump.ts'
import { dumpOf, fill, freshEngine, inChunks, replayed } from '../support/dumps.ts'
import { memoryNode } from '../support/memory-node.ts'
import { withFlippedBit } from '../support/snapshots.ts'

/** Nothing of a dump is run that is not what was written. */

const MINUTE = 60_000
const SEED = Number(process.env.SEED ?? 11)

async function read(bytes: Uint8Array): Promise<number> {
  let blocks = 0
  for await (const _ of readBlocks(inChunks(bytes, 100_000))) blocks++
  return blocks
}

const corrupt = { code: 'backup_corrupt' }

test('every bit counts, and so does every byte that is missing or too many', { timeout: 3 * MINUTE }, async () => {
  const { node } = await memoryNode()
  await fill(node, 60)
  const store = await replayed(node)
  const dump = await dumpOf(store.engine)
  await store.engine.kill()
  const blocks = await read(dump)
  expect(blocks).toBeGreaterThan(40)
  const bits = fc.sample(fc.nat(dump.byteLength * 8 - 1), { numRuns: 300, seed: SEED })
  for (const bit of bits) await expect(read(withFlippedBit(dump, bit)), `bit ${bit}`).rejects.toMatchObject(corrupt)
  for (const end of [
    0,
    1,
    dump.byteLength - 1,
    ...fc.sample(fc.nat(dump.byteLength - 1), { numRuns: 40, seed: SEED }),
  ]) {
    await expect(read(dump.subarray(0, end)), `cut off at ${end}`).rejects.toMatchObject(corrupt)
  }
  await expect(read(Buffer.concat([dump, dump]))).rejects.toMatchObject(corrupt)
  await expect(read(Buffer.concat([dump, Buffer.from('x')]))).rejects.toMatchObject(corrupt)

  // Whole blocks, each with a checksum that was right where it was.
  const texts = dump.toString('latin1').split(/(?<=\n-- sha256 [0-9a-f]{64}\n)/)
  const swapped = texts.with(5, texts[6]!).with(6, texts[5]!)
  const without = texts.toSpliced(7, 1)
  for (const other of [swapped, without]) {
    await expect(read(Buffer.from(other.join(''), 'latin1'))).rejects.toMatchObject(corrupt)
  }

  const engine = await freshEngine()
  const lastRow = dump.lastIndexOf('\n\\.\n') - 3
  await expect(loadDump(engine, inChunks(withFlippedBit(dump, lastRow * 8), 10_000))).rejects.toMatchObject(corrupt)
  expect(engine.alive).toBe(true)
  await engine.kill()
})
