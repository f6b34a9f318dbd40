import { test } from 'vitest'
import { MemoryTable } from '../../lib/log/memory-log.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { transactionRequest } from '../../lib/model/transaction.ts'
import { BorealNode } from '../../lib/node/node.ts'
import { loadBaseImage } from '../../lib/store/base-image.ts'
import { jobPage } from '../../lib/store/jobs.ts'
import { jsonOf } from '../../lib/store/protocol.ts'
import { rolePage } from '../../lib/store/roles.ts'
import { memoryLog } from '../support/memory-node.ts'
import { task } from '../support/records.ts'

/**
 * What sharing configs by content saves, and what summaries cost: stores with as many tasks, jobs and configs as said.
 * Run with `npm run bench:configs`; prints a line of JSON for each.
 */
interface Case {
  tasks: number
  configs: number
  jobs: number
}

const CASES: Case[] = [
  { tasks: 1_000, configs: 1_000, jobs: 1_000 },
  { tasks: 100_000, configs: 2_000, jobs: 1_000 },
  { tasks: 100_000, configs: 100_000, jobs: 1_000 },
]

test.each(CASES)('$tasks tasks with $configs configs', async (each) => {
  console.log(JSON.stringify({ ...each, ...(await measure(each)) }))
})

async function measure({ tasks, configs, jobs }: Case) {
  const { log } = await memoryLog(new MemoryTable(), 'bench')
  const node = await BorealNode.open({
    log,
    image: await loadBaseImage(),
    runtime: systemRuntime,
    logger: silentLogger,
    limits: { maxTasksPerJob: 1_000_000 },
    history: { intervalMs: 0 },
  })
  for (let start = 0; start < tasks; start += 1_000) {
    const records = Array.from({ length: 1_000 }, (_, index) => record(start + index, configs, jobs))
    const request = transactionRequest.parse({ operations: [{ op: 'saveTasks', tasks: records }] })
    await node.submit(request, { principal: 'bench' })
  }
  const read = (sql: string) => node.read([{ sql, params: [] }], { level: 'consistent' })
  const { results } = await read(`select json_build_object('storeMb', pg_database_size(current_database()) / 1048576,
    'configMb', round(pg_total_relation_size('task_config') / 1048576.0, 1),
    'taskMb', round(pg_total_relation_size('task') / 1048576.0, 1), 'configs', (select count(*) from task_config))`)
  const { readers } = await node.status()
  const figures = {
    ...jsonOf<object>(results[0]),
    readerProcessMb: Math.round((readers[0]?.bytes ?? 0) / 1024 / 1024),
    jobPageMs: await median(() =>
      node.read([jobPage({ roles: [], environments: [] }, { limit: 1_000 })], { level: 'weak' }),
    ),
    rolePageMs: await median(() => node.read([rolePage({ limit: 1_000 })], { level: 'weak' })),
  }
  await node.close()
  return figures
}

/** Three events, a config of about 1 KB, a host. */
function record(index: number, configs: number, jobs: number) {
  const config = index % configs
  const name = `job-${config % jobs}`
  return task(`task-${index}`, {
    instanceId: Math.floor(index / jobs),
    status: 'RUNNING',
    slaveHost: `host-${index % 500}`,
    taskEvents: (['PENDING', 'ASSIGNED', 'RUNNING'] as const).map((status, at) => ({ timestamp: at, status })),
    task: {
      job: { role: `role-${(config % jobs) % 20}`, environment: 'prod', name },
      executorConfig: { name: 'AuroraExecutor', data: `${config} `.padEnd(900, 'x') },
      resources: [{ diskMb: 100 }, { numCpus: 1.5 }, { ramMb: 512 }],
    },
  })
}

async function median(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < 31; round++) {
    const start = performance.now()
    await work()
    times.push(performance.now() - start)
  }
  return Math.round(times.sort((a, b) => a - b)[15]! * 10) / 10
}
