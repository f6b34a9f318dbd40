import { expect, test } from 'vitest'
import { saveTask } from '../support/requests.ts'
import { BorealProcess } from '../support/server-process.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { persist } from '../support/writing-clients.ts'

const SECONDS = 10
const CLIENTS = 4

/** Whoever wins a slot has what comes next ready, and would win that as well, and so on: see lib/writer/courtesy.ts. */
test('two nodes without a lease whose clients leave no gap: neither keeps the other from the log', async () => {
  const folder = await temporaryFolder()
  const table = await BorealProcess.table(folder)
  const args = ['--table', 'boreal', '--create-table', '--objects', `${folder}/objects`, '--readers', '0']
  const start = () => BorealProcess.node(args, { AWS_ENDPOINT_URL: table.url })
  const nodes = [await start(), await start()]
  const end = performance.now() + SECONDS * 1_000
  const done = nodes.map(() => 0)
  let longestMs = 0
  const client = async (number: number, id: number) => {
    for (let index = 0; performance.now() < end; index++) {
      const startedAt = performance.now()
      await persist(() => nodes[number]!.api, [saveTask(`n${number}-c${id}-${index}`)])
      longestMs = Math.max(longestMs, performance.now() - startedAt)
      if (performance.now() < end) done[number]!++
    }
  }
  const clients = Array.from({ length: CLIENTS }, (_, id) => id)
  await Promise.all(nodes.flatMap((_, number) => clients.map((id) => client(number, id))))

  const conflicts = await Promise.all(nodes.map(async ({ api }) => (await api.get('/v1/status')).body.conflicts))
  console.log(
    `${done.join(' and ')} transactions in ${SECONDS} s, most ${longestMs.toFixed(0)} ms; lost races ${conflicts}`,
  )
  for (const count of conflicts) expect(count).toBeGreaterThan(0)
  expect(Math.min(...done) / Math.max(...done)).toBeGreaterThan(0.1)
})
