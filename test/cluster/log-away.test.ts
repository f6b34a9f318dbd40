import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Fault, FaultProxy } from '../support/fault-proxy.ts'
import { saveQuota, saveTask } from '../support/requests.ts'
import { BorealProcess } from '../support/server-process.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { keysInLog, type Outcome, persist } from '../support/writing-clients.ts'

/** How long nobody reaches the log: LOG_AWAY_SECONDS=60 for the length of an outage. */
const SECONDS = Number(process.env.LOG_AWAY_SECONDS ?? 8)

/** Beyond what a node promises: a busy machine answers late. */
const SLACK_MS = Number(process.env.LOG_AWAY_SLACK_MS ?? 3_000)

const FAULTS: Record<string, Fault> = {
  'swallows every request': { kind: 'delay', ms: 3_600_000 },
  'breaks every connection': { kind: 'lose-request' },
  'answers 503': { kind: 'answer', status: 503, body: { __type: 'InternalServerError' } },
}

for (const [what, fault] of Object.entries(FAULTS)) {
  test(`a log that ${what} for ${SECONDS} s: reads of the state go on, writes are told soon, and it goes on by itself`, async () => {
    const folder = await temporaryFolder()
    const table = await BorealProcess.table(folder)
    const proxy = await FaultProxy.start(table.url)
    const args = ['--table', 'boreal', '--create-table', '--objects', `${folder}/objects`, '--readers', '0']
    const { api } = await BorealProcess.node(args, { AWS_ENDPOINT_URL: proxy.url })
    const outcomes: Outcome[] = []
    for (let index = 0; index < 5; index++) outcomes.push(await persist(() => api, [saveTask(`before ${index}`)]))

    const awayAt = performance.now()
    proxy.use(() => fault)
    const codes = new Map<string, number>()
    let slowest = 0
    const deadline = awayAt + SECONDS * 1_000
    const writer = async (id: number) => {
      while (performance.now() < deadline) {
        const sentAt = performance.now()
        const { status, body } = await api.transact([saveQuota(`r${id}`)])
        const code = status === 200 ? 'committed' : body.code
        codes.set(code, (codes.get(code) ?? 0) + 1)
        slowest = Math.max(slowest, performance.now() - sentAt)
        await delay(100)
      }
    }
    // These do not give up: what they wanted is there once in the end.
    const persistent = Array.from({ length: 4 }, (_, id) => persist(() => api, [saveTask(`meanwhile ${id}`)]))
    const ages: number[] = []
    const reader = async () => {
      while (performance.now() < deadline) {
        const weak = await api.get('/v1/tasks?consistency=weak&limit=10')
        expect(weak.status).toBe(200)
        ages.push(Number(weak.headers.get('boreal-age-ms')))
        expect((await api.get('/readyz?level=weak')).status).toBe(200)
        await delay(500)
      }
    }
    const prober = async () => {
      await delay(1_000)
      while (performance.now() < deadline) {
        const ready = await api.get('/readyz')
        expect([ready.status, ready.body.code]).toEqual([503, 'not_ready'])
        expect((await api.get('/v1/tasks?limit=1')).body.code).toBe('log_unavailable')
        await delay(500)
      }
    }
    await Promise.all([reader(), prober(), ...[1, 2, 3].map(writer)])
    // The state is said to be as old as it is, and nobody was told anything but that it was not done, or not known.
    expect(ages.at(-1)).toBeGreaterThan(SECONDS * 1_000 - 3_000)
    expect(ages.every((age, index) => index === 0 || age >= ages[index - 1]!)).toBe(true)
    expect([...codes.keys()].filter((code) => !['log_unavailable', 'outcome_unknown'].includes(code))).toEqual([])
    expect(slowest).toBeLessThan(2_000 + SLACK_MS)

    const backAt = performance.now()
    proxy.pass()
    const { status } = await expect
      .poll(() => api.transact([saveQuota('back')]), { timeout: 5_000 + SLACK_MS, interval: 50 })
      .toMatchObject({ status: 200 })
      .then(() => api.get('/readyz'))
    const recoveredMs = performance.now() - backAt
    expect(status).toBe(200)
    expect(recoveredMs).toBeLessThan(5_000 + SLACK_MS)
    outcomes.push(...(await Promise.all(persistent)))
    const places = await keysInLog(api)
    for (const { key, answer } of outcomes) {
      expect(places.get(key)).toEqual([{ lsn: answer!.lsn, id: answer!.transactionId }])
    }
    expect(places.size).toBe(outcomes.length)
    const told = [...codes].map(([code, count]) => `${count} ${code}`).join(', ')
    console.log(
      `a log that ${what}: ${told}; slowest ${slowest.toFixed(0)} ms, back after ${recoveredMs.toFixed(0)} ms`,
    )
  })
}
