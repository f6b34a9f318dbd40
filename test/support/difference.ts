import type { Readable } from '../../lib/difference/compare.ts'
import { type Move, moveStore } from '../../lib/difference/move.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { moveContextOf } from '../../lib/node/move-context.ts'
import type { BorealNode } from '../../lib/node/node.ts'
import { replay } from '../../lib/replica/replay.ts'
import { TABLES } from '../../lib/store/apply-event.ts'
import { rowHash } from '../../lib/store/digest.ts'
import { jsonOf } from '../../lib/store/result-set.ts'
import { statement } from '../../lib/store/statement.ts'
import type { Store } from '../../lib/store/store.ts'
import { emptyStore } from './state.ts'

/** Hashes of what the tables hold, by table, without the versions of rows. */
export async function dataOf(store: Readable): Promise<Record<string, string>> {
  const hashes = TABLES.map(({ name }) => {
    const hash = rowHash(name, ['version'])
    return `'${name}', (select encode(sha256(coalesce(string_agg(h, ''::bytea order by h), '')), 'hex')
      from (select ${hash} as h from ${name}) r)`
  })
  const [found] = await store.read([statement(`select json_build_object(${hashes.join(', ')})`)])
  return jsonOf(found)!
}

/** The store of a log at an LSN, built from the log alone. The caller kills its engine. */
export async function storeAt(node: Pick<BorealNode, 'log'>, lsn: number): Promise<Store & Readable> {
  const store = await emptyStore(node.log)
  await replay(node.log, store, { upTo: lsn })
  return Object.assign(store, { read: (statements: Parameters<Store['run']>[0]) => store.run(statements) })
}

/** What the node shows now. */
export function liveStore(node: BorealNode): Readable {
  return { read: async (statements) => (await node.read(statements, { level: 'consistent' })).results }
}

/** Moves a node to what it was at an LSN. */
export async function moveTo(node: BorealNode, lsn: number, options: Partial<Move> = {}) {
  const target = await storeAt(node, lsn)
  try {
    const move = { target, principal: 'p', reason: 'test', confirm: node.storeId, ...options }
    return await moveStore(moveContextOf(node, systemRuntime), move)
  } finally {
    await target.engine.kill()
  }
}
