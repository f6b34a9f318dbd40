import { applyFrame } from './apply-frame.ts'
import { serveEngine } from './serve-engine.ts'

/** Entry of a reader's engine thread. */

serveEngine([applyFrame])
