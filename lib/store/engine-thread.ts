import { applyFrames } from './apply-frames.ts'
import { serveEngine } from './serve-engine.ts'

/** Entry of a reader's engine thread. */

serveEngine([applyFrames])
