import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import { compareText } from '../model/compare-text.ts'
import { BorealError } from '../model/errors.ts'
import type { ObjectReads } from '../objects/object-store.ts'
import type { Manifest } from '../snapshot/documents.ts'
import type { BaseImage } from '../store/base-image.ts'
import { DIGEST_TABLES, rowHashesSql } from '../store/digest.ts'
import { textOf } from '../store/result-set.ts'
import { ROLLBACK, statement } from '../store/statement.ts'
import type { Store } from '../store/store.ts'
import type { Source } from './context.ts'
import { inspectSnapshot } from './inspect-snapshot.ts'
import { storeOf } from './scratch-store.ts'

const FETCH = 5_000

/** Keys that are named for each table and kind; all are counted. */
const MOST_KEYS = 100

export interface TableDifference {
  table: string
  rowsA: number
  rowsB: number
  added: number
  removed: number
  changed: number
  /** The first ones. */
  keys: { added: string[]; removed: string[]; changed: string[] }
}

/**
 * What changed from one snapshot to another, by table and key. Both are restored, one after the other; between them the
 * keys and hashes of the first are in a file, so memory holds one store.
 */
export async function diffSnapshots(source: Source, base: BaseImage, a: string, b: string): Promise<TableDifference[]> {
  const manifests = [await manifestOf(source, a), await manifestOf(source, b)] as const
  const objects = source.objects!
  const folder = await mkdtemp(join(tmpdir(), 'boreal-diff-'))
  const fileOf = (table: string) => join(folder, `${table}.txt`)
  try {
    await inStore(manifests[0], objects, base, async (store) => {
      for (const table of DIGEST_TABLES) await spool(rowsOf(store, table), fileOf(table))
    })
    return await inStore(manifests[1], objects, base, async (store) => {
      const found: TableDifference[] = []
      for (const table of DIGEST_TABLES) found.push(await compare(table, spooled(fileOf(table)), rowsOf(store, table)))
      return found
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function manifestOf(source: Source, id: string): Promise<Manifest> {
  const { manifest, state, why } = await inspectSnapshot(source, id)
  if (manifest !== undefined && state !== 'damaged') return manifest
  throw new BorealError('snapshot_corrupt', `snapshot ${id} is ${state}${why === undefined ? '' : `: ${why}`}`)
}

async function inStore<T>(
  manifest: Manifest,
  objects: ObjectReads,
  base: BaseImage,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const store = await storeOf(manifest, objects, base)
  try {
    return await work(store)
  } finally {
    await store.engine.kill()
  }
}

type Row = [key: string, hash: string]

/** Through a cursor: a page at a time, sorted once. */
async function* rowsOf(store: Store, table: string): AsyncGenerator<Row> {
  await store.run([statement('begin'), statement(`declare rows no scroll cursor for ${rowHashesSql(table)}`)])
  try {
    for (;;) {
      const [page] = await store.run([statement(`fetch ${FETCH} from rows`)])
      for (const [key, hash] of page!.rows) yield [textOf(key)!, textOf(hash)!]
      if (page!.rows.length < FETCH) return
    }
  } finally {
    await store.run([ROLLBACK])
  }
}

async function spool(rows: AsyncIterable<Row>, file: string): Promise<void> {
  const out = createWriteStream(file)
  for await (const row of rows) {
    if (!out.write(`${JSON.stringify(row)}\n`)) await once(out, 'drain')
  }
  out.end()
  await finished(out)
}

async function* spooled(file: string): AsyncGenerator<Row> {
  for await (const line of createInterface({ input: createReadStream(file) })) yield JSON.parse(line) as Row
}

async function compare(table: string, a: AsyncGenerator<Row>, b: AsyncGenerator<Row>): Promise<TableDifference> {
  const found: TableDifference = {
    ...{ table, rowsA: 0, rowsB: 0, added: 0, removed: 0, changed: 0 },
    keys: { added: [], removed: [], changed: [] },
  }
  const note = (kind: 'added' | 'removed' | 'changed', key: string) => {
    if (++found[kind] <= MOST_KEYS) found.keys[kind].push(key)
  }
  let [one, other] = [await a.next(), await b.next()]
  while (!one.done || !other.done) {
    const order = one.done ? 1 : other.done ? -1 : compareText(one.value[0], other.value[0])
    if (order < 0) note('removed', one.value[0])
    else if (order > 0) note('added', other.value[0])
    else if (one.value[1] !== other.value[1]) note('changed', one.value[0])
    if (order <= 0) {
      found.rowsA++
      one = await a.next()
    }
    if (order >= 0) {
      found.rowsB++
      other = await b.next()
    }
  }
  return found
}
