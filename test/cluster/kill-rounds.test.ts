import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { saveTask, setStatus } from '../support/requests.ts'
import { BorealProcess, freePort } from '../support/server-process.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { keysInLog, type Outcome, persist } from '../support/writing-clients.ts'

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 20)
const CLIENTS = 32

/** What a read showed: a row at a version. It must be in the log exactly so. */
interface Sighting {
  taskId: string
  version: number
  status: string
}

test(`${ROUNDS} kills under ${CLIENTS} writing clients lose nothing, repeat nothing and show nothing that is not durable`, async () => {
  const data = await temporaryFolder()
  // All tasks are of one job; a fast machine writes more of them than a job may have by default.
  const args = ['--data', data, '--port', String(await freePort()), '--max-tasks-per-job', '1000000']
  let server = await BorealProcess.node(args)
  const outcomes: Outcome[] = []
  const sightings: Sighting[] = []
  let running = true

  const client = async (id: number) => {
    for (let index = 0; running; index++) {
      const taskId = `c${id}-${index}`
      outcomes.push(await persist(() => server.api, [saveTask(taskId)]))
      outcomes.push(
        await persist(
          () => server.api,
          [setStatus(taskId, 'RUNNING')],
          [{ entity: 'task', key: taskId, where: { status: 'PENDING' } }],
        ),
      )
    }
  }
  const reader = async () => {
    while (running) {
      const page = await server.api.get('/v1/tasks?consistency=weak&limit=200&status=PENDING').catch(() => undefined)
      for (const task of page?.body.items ?? []) {
        sightings.push({ taskId: task.assignedTask.taskId, version: task.version, status: task.status })
      }
      await delay(20)
    }
  }
  const work = [...Array.from({ length: CLIENTS }, (_, id) => client(id)), reader()]

  const readyMs: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const acknowledged = outcomes.length
    await expect.poll(() => outcomes.length, { timeout: 60_000 }).toBeGreaterThan(acknowledged + 50)
    await delay(Math.random() * 200)
    await server.signal('SIGKILL')
    server = await BorealProcess.node(args)
    readyMs.push(Math.round(server.readyMs))
  }
  running = false
  await Promise.all(work)

  const committed = outcomes.filter((outcome) => outcome.answer !== undefined)
  expect(committed.length).toBe(outcomes.length)
  const places = await keysInLog(server.api)
  for (const { key, answer } of committed) {
    expect(places.get(key), `key ${key}`).toEqual([{ lsn: answer!.lsn, id: answer!.transactionId }])
  }
  expect(places.size).toBe(committed.length)

  // A retry of any of them, even of the first ones, gets the answer of the first time.
  for (const { key, answer, body } of committed.filter((_, index) => index % 50 === 0)) {
    const again = await server.api.send('POST', '/v1/transactions', body, { 'idempotency-key': key })
    expect(again.body).toEqual(answer)
  }
  expect((await keysInLog(server.api)).size).toBe(committed.length)

  await expectDurable(server, sightings)
  const retried = committed.filter(({ tries }) => tries > 1).length
  console.log(
    `kills: ${ROUNDS}, committed: ${committed.length}, sent more than once: ${retried}, reads checked: ${sightings.length}`,
  )
  console.log(`ready again after (ms): ${readyMs.join(' ')}`)
})

/** Every row that was ever read is in the log at the version it had. */
async function expectDurable(server: BorealProcess, sightings: Sighting[]): Promise<void> {
  const durable = new Set<string>()
  for (let after = 0; ; ) {
    const { body } = await server.api.get(`/v1/log?after=${after}&limit=1000`)
    for (const entry of body.items) {
      after = entry.lsn
      for (const { events } of entry.transactions) {
        for (const event of events)
          for (const row of event.tasks ?? []) durable.add(`${row.taskId} ${entry.lsn} ${row.status}`)
      }
    }
    if (body.nextCursor === undefined) break
  }
  for (const { taskId, version, status } of sightings) {
    expect(durable.has(`${taskId} ${version} ${status}`), `${taskId} was ${status} at ${version}`).toBe(true)
  }
}
