import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '../model/logger.ts'
import { systemRuntime } from '../model/runtime.ts'
import { transactionRequest } from '../model/transaction.ts'
import { statement } from '../store/statement.ts'
import { nodeConfig } from './config.ts'
import type { BorealNode } from './node.ts'
import { startNode } from './start-node.ts'

/** Transactions at a time: they share an entry, and the statements for many rows are others than those for one. */
const SINGLES = 32
const ROUNDS = 6
const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** Tasks of a large transaction. */
const MANY = 1_000

/**
 * What nodes do, in small, on a store that is thrown away: writes of one and of many rows, reads, a snapshot, a restart from
 * it with what came behind. For a process that makes machine code of what is used by it (lib/store/machine-code.ts). Takes
 * some seconds.
 */
export async function practise(): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), 'boreal-practice-'))
  // A node that is stopped stops whoever prepares for the next one, and nothing stays behind.
  const end = () => {
    rmSync(data, { recursive: true, force: true, maxRetries: 3 })
    process.exit(1)
  }
  for (const signal of SIGNALS) process.once(signal, end)
  try {
    await withNode(data, async (node) => {
      await write(node, 'a')
      await node.snapshots.take()
      await write(node, 'b')
    })
    await withNode(data, async (node) => {
      await write(node, 'c')
      await node.digest()
    })
  } finally {
    for (const signal of SIGNALS) process.off(signal, end)
    await rm(data, { recursive: true, force: true })
  }
}

async function withNode(data: string, work: (node: BorealNode) => Promise<void>): Promise<void> {
  const started = await startNode(nodeConfig({ data, sync: false }, {}), {
    runtime: systemRuntime,
    logger: silentLogger,
  })
  try {
    await work(started.node)
  } finally {
    await started.close()
  }
}

async function write(node: BorealNode, prefix: string): Promise<void> {
  const submit = (operations: unknown[]) =>
    node.submit(transactionRequest.parse({ operations }), { principal: 'practice', key: systemRuntime.newId() })
  for (let round = 0; round < ROUNDS; round++) {
    const ids = Array.from({ length: SINGLES }, (_, index) => `${prefix}-${round}-${index}`)
    await Promise.all(ids.map((id, index) => submit([{ op: 'saveTasks', tasks: [task(id, index)] }])))
    await Promise.all(
      ids.map((id) => submit([{ op: 'mutateTasks', query: { taskIds: [id] }, patch: { status: 'RUNNING' } }])),
    )
    await submit([{ op: 'removeTasks', taskIds: ids.slice(0, SINGLES / 2) }])
  }
  for (let round = 0; round < 2; round++) {
    const tasks = Array.from({ length: MANY }, (_, index) => task(`${prefix}-many-${round}-${index}`, index))
    await submit([{ op: 'saveTasks', tasks }])
  }
  await submit([{ op: 'mutateTasks', query: { statuses: ['PENDING'] }, patch: { status: 'RUNNING' } }])
  const rows = statement('select task_id, status, task_events from task order by task_id limit 1000')
  await node.query(rows, 1_000, { level: 'consistent' })
}

function task(taskId: string, instanceId: number): unknown {
  const job = { role: `role-${instanceId % 10}`, environment: 'prod', name: `job-${instanceId % 100}` }
  const executorConfig = { name: 'practice', data: 'lorem ipsum '.repeat(60) + (instanceId % 100) }
  const config = { job, resources: [{ numCpus: 1 }, { ramMb: 64 }, { diskMb: 64 }], executorConfig }
  return {
    assignedTask: {
      taskId,
      instanceId,
      task: config,
      slaveHost: `host-${instanceId % 50}`,
      assignedPorts: { http: 31_000 },
    },
    status: 'PENDING',
    taskEvents: [{ timestamp: 1, status: 'PENDING' }],
  }
}
