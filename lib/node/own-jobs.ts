import type { StoreImage } from '../store/image-parts.ts'
import { Mutex } from '../store/mutex.ts'
import { ThreadEngine } from '../store/thread-engine.ts'
import { jobContext } from './job-context.ts'
import { type RunJob, runJob } from './jobs.ts'
import type { NodeOptions } from './node-options.ts'

/**
 * The jobs of a node, one at a time: each has a store of its own, and there is memory for one. Undefined when the node has
 * no object store.
 */
export function jobsOf(options: NodeOptions): RunJob | undefined {
  if (options.objects === undefined) return undefined
  const run = options.runJob ?? jobsHere(options)
  const turns = new Mutex()
  return (name, jobOptions, signal) => turns.run(() => run(name, jobOptions, signal))
}

/** Where the backups of a node are. */
export function backupsOf({ objects, backups = objects }: NodeOptions) {
  return backups!
}

/** Runs jobs in this thread, with engines in threads of their own. */
function jobsHere(options: NodeOptions): RunJob {
  const { log, objects, image: base, runtime, logger } = options
  const boot = (image: StoreImage) => ThreadEngine.boot(image)
  const context = { log, objects: objects!, backups: backupsOf(options), base, runtime, logger, boot }
  return (name, jobOptions) => runJob(name, jobContext(context), jobOptions)
}
