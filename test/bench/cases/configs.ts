import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { silentLogger } from '../../../lib/model/logger.ts'
import { systemRuntime } from '../../../lib/model/runtime.ts'
import { nodeConfig } from '../../../lib/node/config.ts'
import { startNode } from '../../../lib/node/start-node.ts'
import { jobPage } from '../../../lib/store/jobs.ts'
import { jsonOf } from '../../../lib/store/result-set.ts'
import { rolePage } from '../../../lib/store/roles.ts'
import { statement } from '../../../lib/store/statement.ts'
import type { BenchCase } from '../bench-case.ts'
import { Samples, short } from '../figures.ts'
import { load } from '../load.ts'
import { CONFIGS, JOBS } from '../tasks.ts'

const MOST_TASKS = 100_000

const SIZES = statement(`select json_build_object(
  'database', pg_database_size(current_database()), 'configs', pg_total_relation_size('task_config'),
  'tasks', pg_total_relation_size('task'))`)

export const configsCase: BenchCase = {
  id: 'configs',
  title: 'Sharing of task configs',
  about:
    'What it saves that equal configs are stored once: memory of the database, and pages of 1,000 summaries, with few ' +
    'tasks, with many that share their configs, and with a config for each.',
  async run({ sizes, stores, workspace, durationMs, say }) {
    const samples = new Samples('configs')
    const most = Math.min(MOST_TASKS, sizes.at(-1)!)
    for (const [tasks, configs] of [
      [JOBS, JOBS],
      [most, CONFIGS],
      [most, most],
    ] as const) {
      const store = `${short(tasks)} tasks, ${short(configs)} configs`
      say(store)
      const data = await workspace.folder('configs')
      await cp(join(await stores.folder(tasks, configs), 'table'), join(data, 'table'), { recursive: true })
      const config = nodeConfig({ data, settings: { pruneMinutes: '0' } }, {})
      const { node, close } = await startNode(config, { runtime: systemRuntime, logger: silentLogger })
      const { results } = await node.read([SIZES], { level: 'consistent' })
      for (const [name, bytes] of Object.entries(jsonOf<Record<string, number>>(results[0])!)) {
        samples.add({ variant: `${store}: ${name}`, system: 'boreal', unit: 'MB' }, { value: bytes / 1024 / 1024 })
      }
      const pages = {
        jobs: jobPage({ roles: [], environments: [] }, { limit: 1_000 }),
        roles: rolePage({ limit: 1_000 }),
      }
      for (const [name, page] of Object.entries(pages)) {
        const { rate, ...rest } = await load(1, () => node.read([page], { level: 'weak' }), { durationMs })
        samples.add(
          { variant: `${store}: page of ${name}`, system: 'boreal', unit: 'reads/s' },
          { value: rate, ...rest },
        )
      }
      await close()
      await workspace.discard(data)
    }
    return samples.figures()
  },
}
