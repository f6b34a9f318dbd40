import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { BorealProcess, freePort } from '../support/server-process.ts'
import { temporaryFolder } from '../support/temporary.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A trace of a real cluster, where there is one; elsewhere a synthetic one of the same size. */
const FOLDER = process.env.BOREAL_TRACE ?? join(ROOT, '../shared/data/alibaba-gpu-v2023')
const PODS = join(FOLDER, 'openb_pod_list_default.csv')
const NODES = join(FOLDER, 'openb_node_list_all_node.csv')
const TRACE = existsSync(PODS) ? [PODS, '--nodes', NODES] : ['--tasks', '8152', '--seed', '8152']

interface Summary {
  tasks: number
  unplaced: number
  stateChanges: number
  seconds: number
  transactionsPerSecond: number
  p50Ms: number
  p99Ms: number
  lsn: number
  differences: unknown[]
}

/** Runs a command of the CLI against a server and gives its JSON. */
async function cli(server: BorealProcess, args: string[]): Promise<{ code: number | null; answer: Summary }> {
  const child = spawn(process.execPath, [join(ROOT, 'bin/boreal.mjs'), ...args, '--url', server.url, '--json'], {
    env: { ...process.env, BOREAL_TOKEN: server.api.token },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, answer: JSON.parse(output) }
}

test('a whole cluster trace is in the store as it was counted, and all of it is back after a kill', async () => {
  const args = ['--data', await temporaryFolder(), '--port', String(await freePort())]
  const server = await BorealProcess.node(args)
  const { code, answer } = await cli(server, ['replay', ...TRACE, '--in-flight', '32'])
  expect(code).toBe(0)
  expect(answer.differences).toEqual([])
  expect(answer.tasks).toBe(8_152)
  const before = (await server.api.get('/v1/status?digest=true')).body
  await server.signal('SIGKILL')

  const again = await BorealProcess.node(args)
  const after = (await again.api.get('/v1/status?digest=true')).body
  expect(after.digest).toBe(before.digest)
  expect(after.appliedLsn).toBe(before.appliedLsn)
  expect(after.storeId).toBe(before.storeId)

  // The same replay once more: every key is known, so nothing happens twice.
  const repeated = await cli(again, ['replay', ...TRACE, '--in-flight', '32'])
  expect(repeated.code).toBe(0)
  expect((await again.api.get('/v1/status')).body.lsn).toBe(before.lsn)

  const { stateChanges, seconds, transactionsPerSecond, p50Ms, p99Ms, unplaced, lsn } = answer
  console.log(
    `${TRACE[0]!.startsWith('--') ? 'synthetic' : 'real'} trace: ${stateChanges} state changes in ${seconds} s ` +
      `(${transactionsPerSecond}/s, p50 ${p50Ms} ms, p99 ${p99Ms} ms), ${unplaced} unplaced, ${lsn} entries; ` +
      `ready after a kill in ${Math.round(again.readyMs)} ms from the log alone`,
  )
})
