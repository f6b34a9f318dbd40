import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { BorealClient } from '../../lib/client/client.ts'
import { latencies } from '../bench/load.ts'
import { saveQuota } from '../support/requests.ts'
import { BorealProcess } from '../support/server-process.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** `STANDBY_SECONDS=30 STANDBY_RATE=1000` for figures; by default so little that a busy machine can keep up. */
const SECONDS = Number(process.env.STANDBY_SECONDS ?? 5)
const RATE = Number(process.env.STANDBY_RATE ?? 200)
/** What is asked of a machine that has nothing else to do; 0 only reports. */
const MOST_MS = Number(process.env.STANDBY_MOST_MS ?? 0)

/** Of a process that has just started the first seconds say how V8 compiles, not how far behind a standby is. */
const WARM_UP_SECONDS = Math.min(5, SECONDS / 5)
/** Between two looks at the standby: a lag is known to within that and a read. Looking all the time takes a core. */
const WATCH_MS = 5

interface Seen {
  lsn: number
  at: number
}

test(`a standby is told of ${RATE} writes a second as they are acknowledged`, async () => {
  const folder = await temporaryFolder()
  const table = await BorealProcess.table(folder)
  const env = { AWS_ENDPOINT_URL: table.url }
  const args = ['--table', 'boreal', '--create-table', '--objects', `${folder}/objects`, '--readers', '0']
  const leader = await BorealProcess.node(args, env)
  const standby = await BorealProcess.node([...args, '--follow', leader.url], env)
  await expect
    .poll(async () => (await standby.api.get('/v1/status')).body.follows?.pushed, { timeout: 30_000 })
    .toBe(true)

  const [toLeader, toStandby] = [leader, standby].map(
    ({ url, api }) => new BorealClient({ url, token: api.token, connections: 200 }),
  ) as [BorealClient, BorealClient]
  const acknowledged: Seen[] = []
  const applied: Seen[] = []
  const answers: number[] = []
  let writing = true
  const endsAt = performance.now() + SECONDS * 1_000
  // At a steady pace, however long answers take.
  const writer = async () => {
    const writes: Promise<void>[] = []
    for (let sent = 0, startedAt = performance.now(); performance.now() < endsAt; ) {
      const due = Math.floor(((performance.now() - startedAt) / 1_000) * RATE)
      for (; sent < due; sent++) {
        const number = sent
        const write = async () => {
          const sentAt = performance.now()
          const { lsn } = await toLeader.submit({ operations: [saveQuota(`role${number % 500}`, number)] })
          const at = performance.now()
          acknowledged.push({ lsn, at })
          answers.push(at - sentAt)
        }
        writes.push(write())
      }
      await delay(2)
    }
    await Promise.all(writes)
    writing = false
  }
  // Weak reads say what the standby shows, one after the other.
  const watcher = async () => {
    for (let last = 0; writing || last < acknowledged.at(-1)!.lsn; ) {
      const { lsn = 0 } = await toStandby.request('GET', '/v1/quotas', { query: { consistency: 'weak', limit: 1 } })
      if (lsn > last) applied.push({ lsn, at: performance.now() })
      last = lsn
      await delay(WATCH_MS)
    }
  }
  const startedAt = performance.now()
  await Promise.all([writer(), watcher()])
  await Promise.all([toLeader.close(), toStandby.close()])

  const warm = acknowledged.filter(({ at }) => at >= startedAt + WARM_UP_SECONDS * 1_000)
  const lags = warm.map(({ lsn, at }) => Math.max(0, applied.find((seen) => seen.lsn >= lsn)!.at - at))
  const { p50, p99, max } = latencies(lags)
  const rate = (acknowledged.length * 1_000) / (acknowledged.at(-1)!.at - startedAt)
  const { body } = await standby.api.get('/v1/status')
  console.log(
    `standby lag at ${Math.round(rate)} writes/s (${acknowledged.at(-1)!.lsn} entries): ` +
      `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, most ${max.toFixed(0)} ms; ` +
      `answers of the leader: p50 ${latencies(answers).p50.toFixed(0)} ms; pushed at the end: ${body.follows.pushed}`,
  )
  expect(acknowledged.length).toBeGreaterThan(RATE * SECONDS * 0.9)
  if (MOST_MS > 0) expect(rate).toBeGreaterThan(RATE * 0.9)
  if (MOST_MS > 0) expect(p99).toBeLessThanOrEqual(MOST_MS)
  const [one, two] = await Promise.all([leader, standby].map(({ api }) => api.get('/v1/status?digest=true')))
  expect(two!.body.digest).toBe(one!.body.digest)
})
