import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { FaultProxy } from '../support/fault-proxy.ts'
import { saveQuota, saveTask, setStatus } from '../support/requests.ts'
import { BorealProcess } from '../support/server-process.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { keysInLog, type Outcome, persist } from '../support/writing-clients.ts'

/** A table, a proxy before it that can be made to misbehave, and a node behind the proxy. */
async function behindProxy() {
  const folder = await temporaryFolder()
  const table = await BorealProcess.table(folder)
  const proxy = await FaultProxy.start(table.url)
  const args = ['--table', 'boreal', '--create-table', '--objects', `${folder}/objects`, '--readers', '0']
  const node = await BorealProcess.node(args, { AWS_ENDPOINT_URL: proxy.url })
  const second = () => BorealProcess.node(args, { AWS_ENDPOINT_URL: table.url })
  return { table, proxy, node, second }
}

/** Every committed transaction is in the log once, where its answer says, and nothing else with a key is there. */
async function expectOnce(node: BorealProcess, outcomes: Outcome[]): Promise<void> {
  const places = await keysInLog(node.api)
  const committed = outcomes.filter(({ answer }) => answer !== undefined)
  for (const { key, answer } of committed) {
    expect(places.get(key)).toEqual([{ lsn: answer!.lsn, id: answer!.transactionId }])
  }
  expect(places.size).toBe(committed.length)
}

test('lost answers, lost requests and errors of the server: every transaction is committed once', async () => {
  const { proxy, node } = await behindProxy()
  let puts = 0
  proxy.use((operation) => {
    if (operation !== 'PutItem') return undefined
    switch (puts++ % 5) {
      case 0:
        return { kind: 'lose-answer' }
      case 2:
        return { kind: 'lose-request' }
      case 3:
        return { kind: 'answer', status: 500, body: { __type: 'InternalServerError' } }
      default:
        return undefined
    }
  })
  const outcomes: Outcome[] = []
  const client = async (id: number) => {
    for (let index = 0; index < 15; index++) outcomes.push(await persist(() => node.api, [saveTask(`c${id}-${index}`)]))
  }
  await Promise.all(Array.from({ length: 8 }, (_, id) => client(id)))
  proxy.pass()
  await expectOnce(node, outcomes)
})

test('a request that is delivered half a minute late changes nothing any more', async () => {
  const { proxy, node, second } = await behindProxy()
  proxy.once('PutItem', { kind: 'deliver-late', afterMs: 30_000 })
  const first = await persist(() => node.api, [saveQuota('late', 1)])
  expect(first.answer!.lsn).toBe(1)
  // Another node writes on, and the value is changed again, before the old request arrives.
  const other = await second()
  const outcomes = [first]
  for (let index = 0; index < 5; index++)
    outcomes.push(await persist(() => other.api, [saveQuota('late', 100 + index)]))
  const before = (await node.api.get('/v1/status?digest=true')).body
  await delay(31_000)
  const after = (await node.api.get('/v1/status?digest=true')).body
  expect(after.digest).toBe(before.digest)
  expect(after.lsn).toBe(6)
  await expectOnce(node, outcomes)
})

test('a process stopped in the middle of an append finds out what became of it when it goes on', async () => {
  const { proxy, node, second } = await behindProxy()
  const other = await second()
  const outcomes: Outcome[] = []
  for (const stopped of ['lost request', 'lost answer']) {
    proxy.once(
      'PutItem',
      stopped === 'lost answer' ? { kind: 'delay-answer', ms: 1_500 } : { kind: 'delay', ms: 4_000 },
    )
    const seen = proxy.seen.filter((operation) => operation === 'PutItem').length
    const pending = persist(() => node.api, [saveTask(`stopped ${stopped}`)])
    await expect.poll(() => proxy.seen.filter((operation) => operation === 'PutItem').length).toBeGreaterThan(seen)
    await node.signal('SIGSTOP')
    // While it is away another node writes; in one case the stopped one has won its slot, in the other it has not.
    for (let index = 0; index < 3; index++) {
      outcomes.push(await persist(() => other.api, [saveTask(`other ${stopped} ${index}`)]))
    }
    await delay(5_000)
    await node.signal('SIGCONT')
    outcomes.push(await pending)
    outcomes.push(await persist(() => node.api, [setStatus(`stopped ${stopped}`, 'RUNNING')]))
  }
  await expectOnce(other, outcomes)
  const [one, two] = await Promise.all([node, other].map((each) => each.api.get('/v1/status?digest=true')))
  expect(one!.body.digest).toBe(two!.body.digest)
})

test('while the table is away for ten seconds nobody gets a wrong answer, and afterwards everything goes on', async () => {
  const { table, node } = await behindProxy()
  const outcomes: Outcome[] = []
  const codes = new Map<string, number>()
  let running = true
  const client = async (id: number) => {
    for (let index = 0; running; index++) outcomes.push(await persist(() => node.api, [saveTask(`c${id}-${index}`)]))
  }
  const watcher = async () => {
    while (running) {
      const { status, body } = await node.api.transact([saveQuota('w')])
      const code = status === 200 ? 'ok' : body.code
      codes.set(code, (codes.get(code) ?? 0) + 1)
      await delay(50)
    }
  }
  const work = [...Array.from({ length: 8 }, (_, id) => client(id)), watcher()]
  await expect.poll(() => outcomes.length, { timeout: 30_000 }).toBeGreaterThan(20)
  await table.signal('SIGSTOP')
  await delay(5_000)
  // Weak reads are still served; consistent ones say that they cannot be.
  expect((await node.api.get('/v1/tasks?consistency=weak&limit=1')).status).toBe(200)
  expect((await node.api.get('/v1/tasks?limit=1')).body.code).toBe('log_unavailable')
  expect((await node.api.get('/readyz')).status).toBe(503)
  expect((await node.api.get('/readyz?level=weak')).status).toBe(200)
  await delay(5_000)
  await table.signal('SIGCONT')
  const before = outcomes.length
  await expect.poll(() => outcomes.length, { timeout: 30_000 }).toBeGreaterThan(before + 20)
  running = false
  await Promise.all(work)
  const answers = [...codes.keys()].filter((code) => !['ok', 'log_unavailable', 'outcome_unknown'].includes(code))
  expect(answers).toEqual([])
  await expectOnce(
    node,
    outcomes.filter(({ refusal }) => refusal === undefined),
  )
})
