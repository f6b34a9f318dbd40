import type { Entity, Scope } from '../model/preconditions.ts'
import { pageOf, recordOf } from './answers.ts'
import { OperationBuffer } from './buffer.ts'
import type { Cover } from './read-set.ts'
import type { Seen, Session } from './session.ts'

/** The ways in which stores read: one record by key, one summary, a list. Each knows what becomes preconditions. */

const PAGE = 1_000

/** A record that can be named in a precondition. */
export interface RecordRead<R> {
  path: string
  entity: Entity
  key: string
  /** A scope that the record is in. */
  within?(record: R): Scope
  /** Entities whose operations it depends on. Default: its own. */
  sees?: readonly Entity[]
}

/** A record by key. What the closure has saved itself is answered at once. */
export async function readRecord<R extends { version?: number | undefined }>(
  session: Session,
  { path, entity, key, within, sees = [entity] }: RecordRead<R>,
): Promise<R | undefined> {
  session.assertOpen()
  const own = session.own.state(entity, key)
  if (own.kind === 'saved') return structuredClone(own.record) as R
  if (own.kind === 'removed') return undefined
  const operations = session.buffer.on(sees)
  // As it is committed, also when it is not read like that: only a committed record has a version to hold on to.
  const stored = recordOf<R>(
    await session.ask(path, OperationBuffer.none, (answer) => {
      const record = recordOf<R>(answer)
      const scope = record === undefined ? undefined : within?.(record)
      return { points: [{ entity, key, version: record?.version, within: scope }] }
    }),
  )
  if (own.kind === 'untouched') return stored
  return recordOf<R>(await session.ask(path, operations, () => ({})))
}

/**
 * Reads a record and does something with it in the same turn, so that no other write of the closure comes in between:
 * changes of one record that are made side by side follow one another.
 */
export async function withRecord<R extends { version?: number | undefined }, T>(
  session: Session,
  read: RecordRead<R>,
  use: (record: R | undefined) => T,
): Promise<T> {
  for (;;) {
    const revision = session.own.revision(read.entity, read.key)
    const record = await readRecord(session, read)
    if (session.own.revision(read.entity, read.key) === revision) return use(record)
  }
}

/** A read of more than one record: what it has looked at, and whose operations it would show. */
export interface ScopeRead {
  path: string
  covers: readonly Cover[]
  sees: readonly Entity[]
}

/** A record that follows from others, such as a summary. */
export async function readSummary<R>(session: Session, read: ScopeRead): Promise<R | undefined> {
  const operations = session.buffer.on(read.sees)
  const seen = await seenBy(session, read)
  return recordOf<R>(await session.ask(read.path, operations, seen))
}

/** All items of a list. Later pages belong to the state of the first one, as all reads of a closure do. */
export async function readList<R>(session: Session, read: ScopeRead): Promise<R[]> {
  const operations = session.buffer.on(read.sees)
  const seen = await seenBy(session, read)
  return readPages<R>(session, read.path, operations, seen)
}

async function seenBy(session: Session, { covers, sees }: ScopeRead): Promise<Seen> {
  const moves = sees.includes('task') ? session.moves : []
  const moved = (await Promise.all(moves.map((move) => move()))).flat()
  return () => ({ covers: [...covers, ...moved] })
}

/** Like `readList`, with operations and preconditions of the caller's choice. */
export async function readPages<R>(
  session: Session,
  path: string,
  operations: ReturnType<OperationBuffer['all']>,
  seen: Seen,
): Promise<R[]> {
  const items: R[] = []
  const separator = path.includes('?') ? '&' : '?'
  for (let cursor: string | undefined; ; ) {
    const page = `${path}${separator}limit=${PAGE}${cursor === undefined ? '' : `&cursor=${cursor}`}`
    const answer = pageOf<R>(await session.ask(page, operations, seen))
    for (const item of answer.items) items.push(item)
    cursor = answer.nextCursor
    if (cursor === undefined) return items
  }
}

/** A path with parameters; a list repeats its parameter, null and undefined are left out. */
export function pathOf(route: string, parameters: Record<string, readonly unknown[] | string | null | undefined>) {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    for (const each of Array.isArray(value) ? value : [value ?? []].flat()) query.append(name, String(each))
  }
  return query.size === 0 ? route : `${route}?${query}`
}
