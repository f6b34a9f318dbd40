import type { BenchCase } from './bench-case.ts'
import { readCase } from './cases/read.ts'
import { batchCase, changeCase, writeCase } from './cases/write.ts'

/** All there is to measure, in the order in which it is. */
export const CASES: readonly BenchCase[] = [writeCase, batchCase, changeCase, readCase]
