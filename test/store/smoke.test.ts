import { expect, test } from 'vitest'
import { loadBaseImage } from '../../lib/store/base-image.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { Store } from '../../lib/store/store.ts'
import { digestOf, digestStatement } from '../../lib/store/digest.ts'

test('smoke', async () => {
  const base = await loadBaseImage()
  const engine = await PgliteEngine.boot(new Uint8Array(base.bytes))
  const store = await Store.open(engine, { lsn: 0, hash: 'x', time: 0 })
  const task = (id: string, status = 'PENDING') => ({ taskId: id, role: 'www', environment: 'prod', jobName: 'hello', instanceId: 0, status, configId: 'c1', failureCount: 0, timesPartitioned: 0, taskEvents: [], assignedPorts: { http: 1 }, createdMs: 5 }) as never
  const entry = (lsn: number, events: never[]) => ({ lsn, time: lsn, writer: '', attempt: '', prev: '', hash: `h${lsn}`, bytes: 0, transactions: [{ id: 't', key: 'k' + lsn, principal: 'p', actor: 'a', events, results: [] }] })
  await store.apply([entry(1, [{ event: 'tasksSaved', v: 1, tasks: [task('a'), task('b')], configs: [{ configId: 'c1', config: {} }] }] as never[])])
  await store.apply([entry(2, [{ event: 'tasksSaved', v: 1, tasks: [task('a', 'RUNNING')] }] as never[]), entry(3, [{ event: 'tasksRemoved', v: 1, taskIds: ['b'] }] as never[])])
  const r = await engine.run([{ sql: 'select json_agg(j) from job_summary j', params: [] }, { sql: 'select json_agg(d) from boreal.departure d', params: [] }, digestStatement])
  console.log(r[0]!.rows[0]![0]!.toString(), r[1]!.rows[0]![0]!.toString(), digestOf(r[2]))
  expect(store.mark.lsn).toBe(3)
  await store.apply([entry(4, [{ event: 'tasksRemoved', v: 1, taskIds: ['a'] }] as never[])])
  const r2 = await engine.run([{ sql: 'select count(*) from job', params: [] }, { sql: 'select count(*) from task_config', params: [] }])
  expect(r2.map((x) => x.rows[0]![0]!.toString())).toEqual(['0', '0'])
})
