import type { Log } from '../log/log.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Follower } from '../replica/follower.ts'
import type { Tail } from '../replica/tail.ts'
import type { Duty } from './duty.ts'
import type { HorizonLimits } from './horizon.ts'
import type { QueueLimits } from './queue.ts'
import type { StoreLimits } from './store-limits.ts'
import type { Watermark } from './watermark.ts'

/** What a writer works with, and by what times. */
export interface WriterOptions {
  follower: Follower
  log: Log
  tail: Tail
  runtime: Runtime
  logger: Logger
  watermark: Watermark
  queue?: QueueLimits
  horizon?: HorizonLimits
  limits?: StoreLimits
  /** The format that a log begins with, if its first entry is ours. Default: the newest that this build knows. */
  newLogFormat?: number | undefined
  /** Ms a client waits when it says nothing else. Default 25,000 (API Gateway gives up after 29,000). */
  timeoutMs?: number
  /** Ms after which an append of unknown outcome no longer holds the SQL transaction open. Default 1,000. */
  doubtAfterMs?: number
  /** Ms after which an append that has not reached any server is given up. Default 1,500. */
  patienceMs?: number
  /** Whether this node is to write. Default: it is. */
  duty?: Duty | undefined
  /** Whether others may append as well, without a lease that says whose turn it is. */
  shared?: boolean
  /** Ms after which a log that does not answer counts as away: nobody is kept waiting for it any more. Default 1,800. */
  awayAfterMs?: number | undefined
}
