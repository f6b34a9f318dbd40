import { expect, onTestFinished, test } from 'vitest'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { checkReferences } from '../../lib/store/references.ts'
import { BEGIN, COMMIT, statement } from '../../lib/store/statement.ts'
import { testImage } from '../support/image.ts'

const AS_REPLICA = statement('set local session_replication_role = replica')

const job = `insert into job (job_id, role, environment, name, version) values ('r/e/n', 'r', 'e', 'n', 1)`
const update = (jobId: string) =>
  `insert into job_update (update_key, job_id, role, environment, job_name, update_id, user_name, events, instance_events, version)
   values ('u', '${jobId}', 'r', 'e', 'n', 'u', 'ann', 0, 0, 1)`
const event = (updateKey: string) =>
  `insert into job_update_event (update_key, event_id, ordinal, status, timestamp_ms, version)
   values ('${updateKey}', '1', 0, 'ROLLED_BACK', 1, 1)`

test('rows that were written unchecked are refused for a reference to nothing, and taken when there are all', {
  timeout: 60_000,
}, async () => {
  const engine = await PgliteEngine.bootImage(await testImage())
  onTestFinished(() => engine.kill())
  const write = (...sql: string[]) => engine.run([BEGIN, AS_REPLICA, ...sql.map((each) => statement(each)), COMMIT])
  await write(job, update('r/e/n'), event('u'))
  await checkReferences(engine)
  await write(event('gone'))
  await expect(checkReferences(engine)).rejects.toMatchObject({
    code: 'constraint_violation',
    message: expect.stringMatching(/"job_update_event" refer by update_key to "gone".*"job_update"/),
  })
  await write(`delete from job_update_event where update_key = 'gone'`, 'delete from job')
  await expect(checkReferences(engine)).rejects.toThrow('"r/e/n"')
})

test('every column that refers has an index of its own: the check goes from value to value', async () => {
  const engine = await PgliteEngine.bootImage(await testImage())
  onTestFinished(() => engine.kill())
  const [found] = await engine.run([
    statement(`
      select c.conrelid::regclass::text, a.attname from pg_constraint c
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
      where c.contype = 'f' and not exists (
        select from pg_index i where i.indrelid = c.conrelid and i.indkey[0] = c.conkey[1] and i.indpred is null)`),
  ])
  expect(found!.rows.map((row) => row.join('.'))).toEqual([])
})
