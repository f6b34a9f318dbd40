import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FORMAT_VERSION } from '../../lib/model/format.ts'
import { digestsAt } from '../../lib/store/digest.ts'
import { FULL_TRANSACTIONS } from '../goldens/operations.ts'
import { incompressible } from '../log/log-bed.ts'
import { makePreviousBuild, previousBuildIsMissing } from '../support/previous-build.ts'
import { randomTransaction } from '../support/random-transactions.ts'
import { config, host } from '../support/records.ts'
import { saveQuota, saveTask } from '../support/requests.ts'
import { BorealProcess } from '../support/server-process.ts'
import { temporaryFolder } from '../support/temporary.ts'
import type { TestApi } from '../support/test-api.ts'
import { keysInLog, type Outcome, persist } from '../support/writing-clients.ts'

/** This build beside a real previous one, as processes on one table: what docs/operations.md says of upgrades. */

/** The schema of the previous build. */
const OLDER_SCHEMA = 2

/** What a node says that meets what it cannot read. */
const LEFT_BEHIND = /^log entry \d+ cannot be used: .*"formatVersion".* A newer build wrote it: run that one\.$/

const LISTS = 'tasks jobs roles hosts quotas cron-jobs host-maintenance job-updates locks'.split(' ')

const missing = previousBuildIsMissing()
if (missing !== undefined) console.warn(`Skipped: test/cluster/previous-build.test.ts: ${missing}`)

describe('beside the previous build', () => {
  if (missing !== undefined) {
    test.skip(missing, () => undefined)
    return
  }
  let previous = ''
  beforeAll(async () => {
    previous = makePreviousBuild(await temporaryFolder(afterAll))
  })

  /** A table and a folder of objects, and nodes of both builds on it. */
  async function bed() {
    const folder = await temporaryFolder()
    const table = await BorealProcess.table(`${folder}/table`)
    const env = { AWS_ENDPOINT_URL: table.url }
    const args = ['--table', 'boreal', '--create-table', '--objects', `${folder}/objects`, '--log-level', 'info']
    return {
      older: () => BorealProcess.node([...args, '--readers', '0'], env, previous),
      newer: () => BorealProcess.node(args, env),
    }
  }

  test('both write side by side, and have the same', async () => {
    const { older, newer } = await bed()
    const old = await older()
    const outcomes = await Promise.all(clients(old.api, 'first', { count: 10 }))
    const now = await newer()
    outcomes.push(...(await Promise.all([...clients(old.api, 'old'), ...clients(now.api, 'new')])))
    const committed = committedOf(outcomes.flat())

    await expectAll(committed, [old.api, now.api])
    await expectSameState(old.api, now.api)
    const ofClients = (await old.api.list('/v1/log?limit=1000')).filter((entry) => entry.transactions.length > 0)
    expect(new Set(ofClients.map(({ writer }) => writer)).size).toBe(2)
    for (const { api } of [old, now]) await expectKnown(committed, api)
    expect((await now.api.get('/v1/upgrade')).body).toMatchObject({ format: 1, finalized: false })
  })

  test('the release is rolled back and taken again: each has all that the other has written', async () => {
    const { older, newer } = await bed()
    const first = await older()
    const outcomes = await Promise.all(clients(first.api, 'first', { count: 5 }))
    await first.signal('SIGTERM')

    const now = await newer()
    outcomes.push(...(await Promise.all(clients(now.api, 'new', { count: 10 }))))
    // Every kind of event with all of its fields, and one that does not fit into an item of the table.
    for (const operations of FULL_TRANSACTIONS) outcomes.push([await persist(() => now.api, operations)])
    const large = config({ metadata: [{ key: 'large', value: incompressible(600_000) }] })
    outcomes.push([await persist(() => now.api, [saveTask('large', { task: large })])])
    expect(
      outcomes
        .slice(-FULL_TRANSACTIONS.length - 1)
        .flat()
        .every(({ answer }) => answer !== undefined),
    ).toBe(true)
    await snapshot(now)
    outcomes.push(...(await Promise.all(clients(now.api, 'tail', { count: 5 }))))
    const state = await digestAt(now.api, OLDER_SCHEMA)
    const lists = await listsOf(now.api)
    await now.signal('SIGTERM')

    // There is no snapshot but that of this build, whose schema and form the other does not know: the log has it all.
    const back = await older()
    expect(back.said()).toMatch(/a snapshot is passed over .*of a form that this build does not know/)
    expect(await back.api.state()).toEqual(state)
    expect(await listsOf(back.api)).toEqual(lists)
    const committed = committedOf(outcomes.flat())
    await expectAll(committed, [back.api])
    await expectKnown(committed, back.api)
    committed.push(...committedOf((await Promise.all(clients(back.api, 'back', { count: 5 }))).flat()))
    await snapshot(back)
    committed.push(...committedOf((await Promise.all(clients(back.api, 'last', { count: 5 }))).flat()))

    const again = await newer()
    expect(again.said()).toMatch(/migrated a store/)
    await expectAll(committed, [back.api, again.api])
    await expectSameState(back.api, again.api)
    await expectKnown(committed, again.api)
  })

  test('the store is finalized while both write: the older build stops there, and says why', async () => {
    const { older, newer } = await bed()
    const old = await older()
    const outcomes = await Promise.all(clients(old.api, 'first', { count: 5 }))
    const now = await newer()
    const removal = [{ op: 'removeHostAttributes', host: 'h' }]
    await now.api.transact([{ op: 'saveHostAttributes', hostAttributes: host('h') }])
    expect((await now.api.transact(removal)).body.code).toBe('not_finalized')

    const left = Array.from({ length: 4 }, (_, client) => untilStopped(old.api, `old-${client}`))
    const going = clients(now.api, 'new', { count: 20 })
    const entries = async () => (await now.api.list('/v1/log?limit=1000')).length
    await expect.poll(entries, { timeout: 60_000 }).toBeGreaterThan(100)
    const finalized = await now.api.send('POST', '/v1/upgrade/finalize', { confirm: true })
    expect(finalized.body).toMatchObject({ format: FORMAT_VERSION, finalized: true, changed: true })
    expect((await now.api.transact(removal)).body.results).toMatchObject([{ affected: 1 }])
    const stopped = await Promise.all(left)
    outcomes.push(...stopped.map(({ before }) => before), ...(await Promise.all(going)))

    // Whoever was told so was not committed, and is when he asks a node that goes on.
    for (const { at } of stopped) {
      expect(at.problem.detail).toMatch(LEFT_BEHIND)
      expect((await now.api.get(`/v1/transactions/${at.key}`)).body.state).toBe('unknown')
      const again = await now.api.send('POST', '/v1/transactions', at.body, { 'idempotency-key': at.key })
      expect(again.status).toBe(200)
      outcomes.push([{ key: at.key, body: at.body, tries: at.tries + 1, answer: again.body }])
    }
    const committed = committedOf(outcomes.flat())
    await expectAll(committed, [now.api])
    const log = await now.api.list('/v1/log?limit=1000')
    const end = log.find(({ transactions }) =>
      transactions.some(({ reason }: Reasoned) => reason === 'upgrade finalize'),
    )
    expect(new Set(log.filter(({ lsn }) => lsn >= end.lsn).map((entry) => entry.writer)).size).toBe(1)

    // It lives, has what was before, and says what is to be done; nothing restarts it in vain.
    for (const path of ['/livez', '/readyz?level=weak']) expect((await old.api.get(path)).status).toBe(200)
    const weak = await old.api.get('/v1/quotas?consistency=weak')
    expect([weak.status, Number(weak.headers.get('boreal-lsn'))]).toEqual([200, end.lsn - 1])
    for (const path of ['/readyz', '/v1/quotas']) {
      const { status, body } = await old.api.get(path)
      expect([status, body.detail], path).toEqual([503, expect.stringMatching(LEFT_BEHIND)])
    }
    await old.signal('SIGTERM')
    expect(old.child.exitCode).toBe(0)
    await expect(older()).rejects.toThrow(
      /ended with 3 before it was ready:[\s\S]*A newer build wrote it: run that one/,
    )
    // And nothing has happened to the log: it can be read from its beginning.
    const state = await now.api.state()
    const other = await newer()
    expect(await other.api.state()).toEqual(state)
  })
})

type Reasoned = { reason?: string }

/** A client of a node that writes until it is told that the node goes no further. */
async function untilStopped(api: TestApi, name: string): Promise<{ before: Outcome[]; at: Outcome }> {
  const before: Outcome[] = []
  for (;;) {
    const outcome = await persist(() => api, [saveTask(`${name}-${before.length}`)])
    if (outcome.refusal !== undefined) return { before, at: outcome }
    before.push(outcome)
    await delay(50 + Math.random() * 100)
  }
}

/** A key means the same to a node, whoever has heard it first. */
async function expectKnown(committed: Committed[], api: TestApi): Promise<void> {
  for (const { key, body, answer } of committed) {
    const again = await api.send('POST', '/v1/transactions', body, { 'idempotency-key': key })
    expect([again.status, again.body]).toEqual([200, answer])
  }
  const other = await api.transact([saveQuota('other')], { key: committed.at(-1)!.key })
  expect(other.status).toBe(422)
}

async function snapshot({ api }: BorealProcess): Promise<void> {
  const { status, body } = await api.ended(await api.send('POST', '/v1/snapshots', {}))
  expect([status, body]).toEqual([200, expect.objectContaining({ made: true })])
}

/** What both builds take: an operation that the older one has never heard of is a mistake to it, also as a retry. */
const known = randomTransaction.filter(({ operations }) => operations.every(({ op }) => op !== 'removeHostAttributes'))

/** Clients of one node, each with transactions of its own. */
function clients(api: TestApi, name: string, { count = 40, number = 4 } = {}): Promise<Outcome[]>[] {
  return Array.from({ length: number }, async (_, client) => {
    const outcomes: Outcome[] = []
    for (const [index, { operations, preconditions }] of fc.sample(known, count).entries()) {
      const id = `${name}-${client}-${index}`
      // With a task that comes, as those that change nothing are not in the log.
      outcomes.push(await persist(() => api, [...operations, saveTask(id)], preconditions))
      // And one that nothing can be said against.
      const alone = await persist(() => api, [saveTask(`${id}-alone`)])
      expect(alone.answer, JSON.stringify(alone.problem)).toBeDefined()
      outcomes.push(alone)
    }
    return outcomes
  })
}

type Committed = Outcome & { answer: NonNullable<Outcome['answer']> }

function committedOf(outcomes: Outcome[]): Committed[] {
  // Random transactions may be refused, but for reasons of their own.
  for (const { problem } of outcomes) expect(problem?.status ?? 200, JSON.stringify(problem)).toBeLessThan(500)
  return outcomes.filter((outcome): outcome is Committed => outcome.answer !== undefined)
}

/** Each is in the log once, where its client was told, whichever node is asked. */
async function expectAll(committed: Committed[], apis: TestApi[]): Promise<void> {
  for (const api of apis) {
    const places = await keysInLog(api)
    for (const { key, answer } of committed) {
      expect(places.get(key)).toEqual([{ lsn: answer.lsn, id: answer.transactionId }])
    }
  }
}

/** Equal by the rules of the older schema, and by all that can be listed. */
async function expectSameState(old: TestApi, now: TestApi): Promise<void> {
  const older = await old.state()
  expect(await digestAt(now, OLDER_SCHEMA)).toEqual(older)
  expect(await listsOf(now)).toEqual(await listsOf(old))
}

async function listsOf(api: TestApi): Promise<unknown> {
  const lists = await Promise.all(LISTS.map(async (list) => [list, await api.list(`/v1/${list}`)]))
  return Object.fromEntries(lists)
}

/** What the digest of a store would be in an earlier schema. */
async function digestAt(api: TestApi, schema: number): Promise<{ lsn: number; digest: string }> {
  const { body, headers } = await api.query(digestsAt(schema).digest.sql)
  return { lsn: Number(headers.get('boreal-lsn')), digest: body.rows[0].encode }
}
