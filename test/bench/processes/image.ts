import { readFile, writeFile } from 'node:fs/promises'
import { silentLogger } from '../../../lib/model/logger.ts'
import { systemRuntime } from '../../../lib/model/runtime.ts'
import { openLog } from '../../../lib/node/open-log.ts'
import { replay } from '../../../lib/replica/replay.ts'
import { loadBaseImage } from '../../../lib/store/base-image.ts'
import { PgliteEngine } from '../../../lib/store/engine.ts'
import { HOUSEKEEPING_LIMITS, keepHouse } from '../../../lib/store/housekeeping.ts'
import { partsInMemory } from '../../../lib/store/image-parts.ts'
import { jsonOf } from '../../../lib/store/protocol.ts'
import { statement } from '../../../lib/store/statement.ts'
import { Store } from '../../../lib/store/store.ts'

/**
 * A store's image, made and restored, in a process of its own: `make <data folder> <file>` replays the log and writes
 * the image of the store; `boot <file>` boots from it and counts the tasks.
 */
const [command, from, to] = process.argv.slice(2)

async function make(data: string, file: string): Promise<void> {
  const context = { runtime: systemRuntime, logger: silentLogger }
  const { log, close } = await openLog({ kind: 'embedded', data, sync: false }, 'main', context)
  const store = await Store.open(await PgliteEngine.bootImage(await loadBaseImage()), await log.genesis())
  await replay(log, store)
  // What a running node would have done by itself.
  await keepHouse(store, HOUSEKEEPING_LIMITS)
  await writeFile(file, store.engine.image())
  await close()
  process.stdout.write('made\n')
}

async function boot(file: string): Promise<void> {
  const { wasm } = await loadBaseImage()
  const engine = await PgliteEngine.boot(partsInMemory(await readFile(file)), wasm)
  const [count] = await engine.run([statement('select to_json(count(*)) from task')])
  process.stdout.write(`restored ${jsonOf<number>(count)}\n`)
}

await (command === 'make' ? make(from!, to!) : boot(from!))
// The engine would keep the process alive.
process.exit(0)
