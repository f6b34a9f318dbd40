import { silentLogger } from '../../../lib/model/logger.ts'
import { systemRuntime } from '../../../lib/model/runtime.ts'
import { openLog } from '../../../lib/node/open-log.ts'
import { takeSnapshot } from '../../../lib/snapshot/take.ts'
import { loadBaseImage } from '../../../lib/store/base-image.ts'

/** Takes a snapshot at an LSN, so that what the log has beyond it is the tail of a restart, or of all: `<data folder> [<lsn>]`. */
const [data, lsn] = process.argv.slice(2)
const context = { runtime: systemRuntime, logger: silentLogger }

const opened = await openLog({ kind: 'embedded', data: data!, sync: false }, 'main', context)
await takeSnapshot(
  { ...opened, ...context, base: await loadBaseImage() },
  lsn === undefined ? {} : { upTo: Number(lsn) },
)
await opened.close()
// The engine would keep the process alive.
process.exit(0)
