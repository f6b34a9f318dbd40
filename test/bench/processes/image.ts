import { silentLogger } from '../../../lib/model/logger.ts'
import { systemRuntime } from '../../../lib/model/runtime.ts'
import { nodeConfig } from '../../../lib/node/config.ts'
import { openLog } from '../../../lib/node/open-log.ts'
import { startNode } from '../../../lib/node/start-node.ts'
import { takeSnapshot } from '../../../lib/snapshot/take.ts'
import { loadBaseImage } from '../../../lib/store/base-image.ts'
import { jsonOf } from '../../../lib/store/protocol.ts'
import { statement } from '../../../lib/store/statement.ts'

/**
 * A snapshot taken, and a node restarted from it, each in a process of its own: `make <data folder> <lsn>` takes a snapshot
 * at this LSN, so that what the log has beyond it is the tail; `boot <data folder>` starts a node and counts the tasks.
 */
const [command, data, lsn] = process.argv.slice(2)
const context = { runtime: systemRuntime, logger: silentLogger }

async function make(): Promise<void> {
  const opened = await openLog({ kind: 'embedded', data: data!, sync: false }, 'main', context)
  await takeSnapshot({ ...opened, ...context, base: await loadBaseImage() }, { upTo: Number(lsn) })
  await opened.close()
  process.stdout.write('made\n')
}

async function boot(): Promise<void> {
  const { node } = await startNode(nodeConfig({ data, readers: '0', sync: false }, {}), context)
  const { results } = await node.read([statement('select to_json(count(*)) from task')], { level: 'consistent' })
  process.stdout.write(`restored ${jsonOf<number>(results[0])}\n`)
}

await (command === 'make' ? make() : boot())
// The engine would keep the process alive.
process.exit(0)
