import { applyFrames } from '../store/apply-frames.ts'
import { serveEngine } from '../store/serve-engine.ts'
import { prepareEntry } from './prepare-entry.ts'

/** Entry of the thread of the writer's engine: batches are read, decided and written there. */

serveEngine([prepareEntry, applyFrames])
