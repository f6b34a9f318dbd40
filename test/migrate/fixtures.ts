import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import { MemoryTable } from '../../lib/log/memory-log.ts'
import type { ObjectStore } from '../../lib/objects/object-store.ts'
import { type GoldenLog, itemsOf } from '../goldens/golden-log.ts'

/**
 * Fixtures: what builds of each schema have left behind, kept for ever. Nothing here changes or removes one.
 *
 * `schema-<n>/log.json` is a log as the table and the object store hold it, `documents.json` the documents of a verified
 * snapshot that was taken on the way, `image.br` its image, `state.json` the digest at the end of the log by the rules of
 * that schema.
 */
const FOLDER = join(dirname(fileURLToPath(import.meta.url)), 'fixtures')

export interface Fixture {
  log: GoldenLog
  /** Text by the name of the document: `manifest.json`, `verified.json`. */
  documents: Record<string, string>
  image: Buffer
  state: { schema: number; lsn: number; digest: string; snapshotLsn: number }
}

/** Schemas of which there is a fixture, ascending. */
export function fixtures(): number[] {
  if (!existsSync(FOLDER)) return []
  const numbers = readdirSync(FOLDER).map((name) => Number(/^schema-(\d+)$/.exec(name)?.[1]))
  return numbers.filter((number) => number > 0).sort((a, b) => a - b)
}

export function readFixture(schema: number): Fixture {
  const text = (name: string) => readFileSync(join(folderOf(schema), name), 'utf8')
  return {
    log: JSON.parse(text('log.json')) as GoldenLog,
    documents: JSON.parse(text('documents.json')) as Record<string, string>,
    image: imageOf(schema),
    state: JSON.parse(text('state.json')) as Fixture['state'],
  }
}

const images = new Map<number, Buffer>()

function imageOf(schema: number): Buffer {
  const known = images.get(schema)
  if (known !== undefined) return known
  const file = readFileSync(join(folderOf(schema), 'image.br'))
  const image = unpacked(file, schema === 1 ? undefined : imageOf(1))
  images.set(schema, image)
  return image
}

/** @throws when there is one of the schema */
export function addFixture({ log, documents, image, state }: Fixture): void {
  const { schema } = state
  const base = schema === 1 ? undefined : imageOf(1)
  mkdirSync(FOLDER, { recursive: true })
  mkdirSync(folderOf(schema))
  const put = (name: string, value: unknown) =>
    writeFileSync(join(folderOf(schema), name), `${JSON.stringify(value, null, 1)}\n`)
  put('log.json', log)
  put('documents.json', documents)
  put('state.json', state)
  writeFileSync(join(folderOf(schema), 'image.br'), packed(image, base))
}

/** The log of a fixture, as a table in memory, and the objects that belong to it. */
export async function placed({ log, documents, image }: Fixture, objects: ObjectStore): Promise<MemoryTable> {
  const table = new MemoryTable()
  for (const item of itemsOf(log)) table.slots.set(item.lsn, item)
  for (const [key, body] of Object.entries(log.bodies)) await objects.put(key, Buffer.from(body, 'base64'))
  const { snapshotId, image: described } = JSON.parse(documents['manifest.json']!) as {
    snapshotId: string
    image: { parts: { bytes: number }[] }
  }
  const folder = `${log.storeId}/snapshots/${snapshotId}`
  let at = 0
  for (const [index, { bytes }] of described.parts.entries()) {
    await objects.put(`${folder}/image/${String(index).padStart(5, '0')}`, image.subarray(at, at + bytes))
    at += bytes
  }
  for (const [name, text] of Object.entries(documents)) await objects.put(`${folder}/${name}`, Buffer.from(text))
  return table
}

function folderOf(schema: number): string {
  return join(FOLDER, `schema-${schema}`)
}

/** Most of an image is what the database makes by itself: only blocks that the base does not have are kept. */
const BLOCK = 512

/** Number of blocks, then per block its place in the base behind that of the one before (or NEW), then the new ones. */
const NEW = 0x7fffffff

function packed(image: Buffer, base: Buffer = Buffer.alloc(0)): Buffer {
  const known = new Map<string, number>()
  for (let at = 0; at < base.length; at += BLOCK) known.set(hashOf(base.subarray(at, at + BLOCK)), at / BLOCK)
  const count = image.length / BLOCK
  const places = new Int32Array(count)
  const added: Buffer[] = []
  let last = -1
  for (let index = 0; index < count; index++) {
    const block = image.subarray(index * BLOCK, (index + 1) * BLOCK)
    const place = isSame(base, last + 1, block) ? last + 1 : known.get(hashOf(block))
    places[index] = place === undefined ? NEW : place - last - 1
    if (place === undefined) added.push(block)
    else last = place
  }
  const content = Buffer.concat([Buffer.from(Int32Array.of(count).buffer), Buffer.from(places.buffer), ...added])
  return brotliCompressSync(content, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LARGE_WINDOW]: 1,
      [constants.BROTLI_PARAM_LGWIN]: 27,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    },
  })
}

function unpacked(file: Buffer, base: Buffer = Buffer.alloc(0)): Buffer {
  const content = brotliDecompressSync(file, { params: { [constants.BROTLI_DECODER_PARAM_LARGE_WINDOW]: 1 } })
  const count = content.readInt32LE(0)
  const image = Buffer.alloc(count * BLOCK)
  let added = 4 + count * 4
  let last = -1
  for (let index = 0; index < count; index++) {
    const step = content.readInt32LE(4 + index * 4)
    if (step === NEW) {
      content.copy(image, index * BLOCK, added, added + BLOCK)
      added += BLOCK
    } else {
      last += 1 + step
      base.copy(image, index * BLOCK, last * BLOCK, (last + 1) * BLOCK)
    }
  }
  return image
}

function hashOf(block: Buffer): string {
  return createHash('sha1').update(block).digest('base64')
}

function isSame(base: Buffer, place: number, block: Buffer): boolean {
  return base.subarray(place * BLOCK, (place + 1) * BLOCK).equals(block)
}
