import { expect, test } from 'vitest'
import { saveQuota, saveTask } from '../support/requests.ts'
import { BorealProcess } from '../support/server-process.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { keysInLog, persist } from '../support/writing-clients.ts'

const NODES = 10
const TRANSACTIONS = Number(process.env.MANY_WRITERS_TRANSACTIONS ?? 10_000)
const CLIENTS_PER_NODE = 16

interface Refusal {
  role: string
  /** What the node said it had found. */
  found: { version?: number; absent?: true }
  /** Known to be in the log before the request was sent, and the end of the log after the answer. */
  from: number
  to: number
}

test(`${NODES} processes on one table: ${TRANSACTIONS} transactions once each, one digest, refusals that were true`, async () => {
  const folder = await temporaryFolder()
  const table = await BorealProcess.table(folder)
  // All tasks are of one job, and there are more of them than a job may have by default.
  const limits = ['--max-tasks-per-job', String(TRANSACTIONS)]
  const args = ['--table', 'boreal', '--create-table', '--objects', `${folder}/objects`, '--readers', '0', ...limits]
  // They start at once on an empty table, and must agree on one store.
  const nodes = await Promise.all(
    Array.from({ length: NODES }, () => BorealProcess.node(args, { AWS_ENDPOINT_URL: table.url })),
  )
  let acknowledged = 0
  const committed = new Map<string, { lsn: number; id: string }>()
  const refusals: Refusal[] = []

  const client = async (node: BorealProcess, id: number, count: number) => {
    for (let index = 0; index < count; index++) {
      // Quotas of few roles, changed only at the version seen last: many of these meet and are refused.
      const role = `role${index % 7}`
      const contested = index % 4 === 0
      const seen = contested ? (await node.api.get(`/v1/quotas/${role}?consistency=weak`)).body.version : undefined
      const conditions = contested
        ? [{ entity: 'quota', key: role, ...(seen === undefined ? { absent: true } : { version: seen }) }]
        : []
      const operation = contested ? saveQuota(role, index) : saveTask(`n${id}-${index}`)
      const from = acknowledged
      const outcome = await persist(() => node.api, [operation], conditions)
      if (outcome.answer !== undefined) {
        acknowledged = Math.max(acknowledged, outcome.answer.lsn)
        committed.set(outcome.key, { lsn: outcome.answer.lsn, id: outcome.answer.transactionId })
      } else {
        const to = (await node.api.get('/v1/status')).body.lsn
        expect(outcome.refusal).toBe('precondition_failed')
        refusals.push({ role, found: outcome.problem.failed[0].found, from, to })
      }
    }
  }
  const perClient = TRANSACTIONS / NODES / CLIENTS_PER_NODE
  const startedAt = performance.now()
  await Promise.all(
    nodes.flatMap((node, number) =>
      Array.from({ length: CLIENTS_PER_NODE }, (_, id) =>
        client(node, number * CLIENTS_PER_NODE + id, Math.ceil(perClient)),
      ),
    ),
  )
  const seconds = (performance.now() - startedAt) / 1_000

  const places = await keysInLog(nodes[0]!.api)
  expect(places.size).toBe(committed.size)
  for (const [key, place] of committed) expect(places.get(key)).toEqual([place])

  const states = await Promise.all(nodes.map((node) => node.api.get('/v1/status?digest=true')))
  const digests = new Set(states.map(({ body }) => `${body.storeId} ${body.appliedLsn} ${body.digest}`))
  expect(digests.size).toBe(1)

  const versions = await quotaVersions(nodes[0]!)
  expect(refusals.length).toBeGreaterThan(10)
  for (const refusal of refusals) expect(wasTrue(refusal, versions), JSON.stringify(refusal)).toBe(true)
  const lsn = states[0]!.body.appliedLsn
  console.log(
    `${committed.size} committed and ${refusals.length} refused by ${NODES} processes in ${seconds.toFixed(1)} s ` +
      `(${Math.round((committed.size + refusals.length) / seconds)}/s), ${lsn} entries`,
  )
})

/** LSNs at which each role's quota changed. */
async function quotaVersions(node: BorealProcess): Promise<Map<string, number[]>> {
  const versions = new Map<string, number[]>()
  for (let after = 0; ; ) {
    const { body } = await node.api.get(`/v1/log?after=${after}&limit=1000`)
    for (const { lsn, transactions } of body.items) {
      after = lsn
      for (const event of transactions.flatMap(
        (transaction: { events: { event: string; role: string }[] }) => transaction.events,
      )) {
        if (event.event === 'quotaSaved') versions.set(event.role, [...(versions.get(event.role) ?? []), lsn])
      }
    }
    if (body.nextCursor === undefined) return versions
  }
}

/** Whether the quota was at some moment between request and answer what the refusal says it was. */
function wasTrue({ role, found, from, to }: Refusal, versions: Map<string, number[]>): boolean {
  const changes = versions.get(role) ?? []
  if (found.absent) return changes.length === 0 || changes[0]! > from
  const next = changes.find((lsn) => lsn > found.version!) ?? Number.POSITIVE_INFINITY
  return changes.includes(found.version!) && found.version! <= to && next > from
}
