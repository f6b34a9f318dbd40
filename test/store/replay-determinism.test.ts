import fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestOf, digestStatement, tableHashesStatement } from '../../lib/store/digest.ts'
import { jsonOf } from '../../lib/store/result-set.ts'
import { ManualRuntime } from '../support/manual-runtime.ts'
import { memoryNode } from '../support/memory-node.ts'
import { randomTransaction } from '../support/random-transactions.ts'
import { emptyStore, entriesOf, stateOf } from '../support/state.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** Forgets keys after some hours of the test's own clock, so that the horizon moves during the test. */
const QUICK_HORIZON = { maxAgeMs: 4 * HOUR, minAgeMs: HOUR, maxKeys: 40, sliceMs: HOUR }

test('gives the same state however the log is cut into steps', { timeout: 10 * MINUTE }, async () => {
  const seed = Number(process.env.SEED ?? 4242)
  const requests = fc.sample(randomTransaction, { numRuns: 480, seed })
  const runtime = new ManualRuntime()
  const { node } = await memoryNode({ horizon: QUICK_HORIZON, runtime })
  for (let start = 0; start < requests.length; start += 8) {
    const batch = requests.slice(start, start + 8)
    const answers = batch.map((request, index) =>
      node.submit(request, { principal: 'p', ...(index % 2 === 0 ? { key: `key-${start + index}` } : {}) }),
    )
    await Promise.allSettled(answers)
    runtime.elapse({ wall: HOUR, monotonic: HOUR })
  }
  const entries = await entriesOf(node.log)
  expect(entries.length).toBeGreaterThan(20)
  const kinds = new Set(
    entries.flatMap((entry) => entry.transactions).flatMap(({ events }) => events.map((e) => e.event)),
  )
  expect([...kinds].sort()).toContain('horizonMoved')

  const { results } = await node.read([digestStatement, tableHashesStatement], { level: 'consistent' })
  const written = { digest: digestOf(results[0]), tables: jsonOf(results[1]) }
  const cuts = fc.sample(fc.array(fc.nat(12), { minLength: entries.length, maxLength: entries.length }), {
    numRuns: 3,
    seed,
  })
  for (const sizes of [entries.map(() => 1), [entries.length], ...cuts]) {
    const store = await emptyStore(node.log)
    let at = 0
    for (const size of [...sizes, entries.length]) {
      const step = entries.slice(at, at + size)
      if (step.length > 0) await store.apply(step)
      at += size
    }
    expect(store.mark.lsn).toBe(entries.at(-1)!.lsn)
    const state = await stateOf(store)
    await store.engine.kill()
    expect(state).toEqual(written)
  }
})

test('counters, jobs, configs and departures are what the rows say', { timeout: 2 * MINUTE }, async () => {
  const { node } = await memoryNode()
  for (const request of fc.sample(randomTransaction, { numRuns: 400, seed: 7 })) {
    await node.submit(request, { principal: 'p' }).catch(() => undefined)
  }
  const differences = await node.read(
    [
      {
        sql: `
          select json_agg(d) from (
            select 'counter' as what, j.job_id as which from job j
              left join (select job_id, count(*) filter (where status = 'RUNNING') as running,
                                count(*) filter (where status = 'PENDING') as pending, max(version) as version
                         from task group by job_id) t using (job_id)
              where j.running <> coalesce(t.running, 0) or j.pending <> coalesce(t.pending, 0)
            union all
            select 'other counter', j.job_id from job j
              where j.cron_jobs <> (select count(*) from cron_job c where c.job_id = j.job_id)
                 or j.active_updates + j.terminal_updates + j.new_updates
                      <> (select count(*) from job_update u where u.job_id = j.job_id)
                 or j.active_updates
                      <> (select count(*) from job_update u where u.job_id = j.job_id and u.status like 'ROLLING%')
            union all
            select 'job without anything', job_id from job
              where not exists (select from task where task.job_id = job.job_id)
                and not exists (select from cron_job where cron_job.job_id = job.job_id)
                and not exists (select from job_update where job_update.job_id = job.job_id)
            union all
            select 'config without a use', config_id from task_config c
              where not exists (select from task where task.config_id = c.config_id)
                and not exists (select from cron_job where cron_job.config_id = c.config_id)
                and not exists (select from job_update_config r where r.config_id = c.config_id)
            union all
            select 'wrong state', u.update_key from job_update u
              where u.events <> (select count(*) from job_update_event e where e.update_key = u.update_key)
                 or u.instance_events
                      <> (select count(*) from job_instance_update_event e where e.update_key = u.update_key)
                 or u.status <> (select status from job_update_event e where e.update_key = u.update_key
                                 order by timestamp_ms desc, ordinal desc limit 1)
                 or u.created_ms <> (select min(timestamp_ms) from job_update_event e where e.update_key = u.update_key)
            union all
            select 'job older than its tasks', t.task_id from task t join job j using (job_id)
              where j.task_version < t.version or j.version < t.version
          ) d`,
        params: [],
      },
    ],
    { level: 'consistent' },
  )
  expect(differences.results[0]!.rows[0]![0]).toBeNull()
})
