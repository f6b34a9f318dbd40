import { expect, test } from 'vitest'
import { latencies } from '../bench/load.ts'
import { saveQuota, saveTask } from '../support/requests.ts'
import { BorealProcess } from '../support/server-process.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { keysInLog, type Outcome, persist } from '../support/writing-clients.ts'

const ENVIRONMENTS = Number(process.env.ENVIRONMENTS ?? 5)
const CLIENTS = 32
const TRANSACTIONS = Number(process.env.LAMBDA_WRITERS_TRANSACTIONS ?? 320)

/** As Lambda does it: an environment has one request at a time, and a request goes to one that has none. */
class Environments {
  readonly #free: BorealProcess[]
  readonly #waiting: ((node: BorealProcess) => void)[] = []

  constructor(nodes: BorealProcess[]) {
    this.#free = [...nodes]
  }

  async use<T>(work: (node: BorealProcess) => Promise<T>): Promise<T> {
    const node = this.#free.shift() ?? (await new Promise<BorealProcess>((resolve) => this.#waiting.push(resolve)))
    try {
      return await work(node)
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free.push(node)
      else next(node)
    }
  }
}

test(`${ENVIRONMENTS} environments without a lease, ${CLIENTS} clients: each transaction once, conflicts kept inside`, async () => {
  const folder = await temporaryFolder()
  const table = await BorealProcess.table(folder)
  const args = ['--table', 'boreal', '--create-table', '--objects', `${folder}/objects`, '--readers', '0']
  const env = { AWS_ENDPOINT_URL: table.url, BOREAL_POLL_MS: '0' }
  const nodes = await Promise.all(Array.from({ length: ENVIRONMENTS }, () => BorealProcess.node(args, env)))
  const environments = new Environments(nodes)
  const outcomes: Outcome[] = []
  const times: number[] = []
  const client = async (id: number) => {
    for (let index = 0; index < TRANSACTIONS / CLIENTS; index++) {
      const operation = index % 2 === 0 ? saveTask(`c${id}-${index}`) : saveQuota(`role${index % 5}`, id)
      await environments.use(async (node) => {
        const startedAt = performance.now()
        outcomes.push(await persist(() => node.api, [operation]))
        times.push(performance.now() - startedAt)
      })
    }
  }
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: CLIENTS }, (_, id) => client(id)))
  const seconds = (performance.now() - startedAt) / 1_000

  // No client has heard of a conflict.
  expect(outcomes.filter(({ refusal }) => refusal !== undefined)).toEqual([])
  const places = await keysInLog(nodes[0]!.api)
  expect(places.size).toBe(outcomes.length)
  for (const { key, answer } of outcomes) {
    expect(places.get(key)).toEqual([{ lsn: answer!.lsn, id: answer!.transactionId }])
  }
  const states = await Promise.all(nodes.map(({ api }) => api.get('/v1/status?digest=true')))
  expect(new Set(states.map(({ body }) => `${body.appliedLsn} ${body.digest}`)).size).toBe(1)
  const conflicts = states.reduce((sum, { body }) => sum + body.conflicts, 0)
  if (ENVIRONMENTS > 1) expect(conflicts).toBeGreaterThan(0)
  const { p50, p99, max } = latencies(times)
  console.log(
    `${ENVIRONMENTS} environments, ${CLIENTS} clients: ${(outcomes.length / seconds).toFixed(1)} transactions/s, ` +
      `${(1 + conflicts / outcomes.length).toFixed(2)} appends each; ` +
      `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, most ${max.toFixed(0)} ms`,
  )
})
