import type { BenchCase } from './bench-case.ts'
import { configsCase } from './cases/configs.ts'
import { delayCase } from './cases/delay.ts'
import { detailsCase } from './cases/details.ts'
import { memoryCase } from './cases/memory.ts'
import { readCase } from './cases/read.ts'
import { replayCase } from './cases/replay.ts'
import { restartCase } from './cases/restart.ts'
import { snapshotsCase } from './cases/snapshots.ts'
import { starvationCase } from './cases/starvation.ts'
import { storedCase } from './cases/stored.ts'
import { summaryCase } from './cases/summary.ts'
import { batchCase, changeCase, writeCase } from './cases/write.ts'

/** All there is to measure, in the order in which it is. */
export const CASES: readonly BenchCase[] = [
  writeCase,
  batchCase,
  changeCase,
  readCase,
  delayCase,
  detailsCase,
  starvationCase,
  snapshotsCase,
  summaryCase,
  replayCase,
  restartCase,
  memoryCase,
  storedCase,
  configsCase,
]
