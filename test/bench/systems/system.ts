import type { BenchTask } from '../tasks.ts'

/** How new a read must be. Each system names its own levels; these are the ones that are compared. */
export type Level = 'weak' | 'consistent'

/** A store that is measured: what all of them can do, in their own way. */
export interface System {
  /** One transaction that saves tasks which are not there yet. */
  save(tasks: BenchTask[]): Promise<void>
  /** One transaction that changes the status of a task if it is `from`; fails otherwise. */
  change(task: BenchTask, from: string, to: string): Promise<void>
  /** One task by its id. Fails when it is not there. */
  point(taskId: string, level: Level): Promise<void>
  /** A hundred tasks of a job. */
  page(job: BenchTask, level: Level): Promise<void>
  /** Tasks that it holds, to check what was acknowledged. */
  count(): Promise<number>
  /** Ends it; its folder can be started again. */
  stop(): Promise<void>
}

export interface SystemOptions {
  /** A folder of its own: empty, or one that the system was stopped on. */
  folder: string
  /** Connections its clients may have. */
  connections: number
}

/** A system that takes part. */
export interface Contender {
  name: string
  /** What is durable when a write is acknowledged. */
  durability: string
  /** Levels of reading that it tells apart. */
  levels: readonly Level[]
  /** It reads as another contender does, and differs only in what it writes. */
  writesOnly?: boolean
  start(options: SystemOptions): Promise<System>
}
