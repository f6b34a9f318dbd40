import type { RunOptions } from './engine.ts'
import type { Statement } from './statement.ts'

/** What passes between a thread engine and its thread. */
export type EngineRequest =
  | { id: number; kind: 'run'; statements: Statement[]; options: RunOptions }
  | { id: number; kind: 'query'; statement: Statement; maxRows: number }
  | { id: number; kind: 'memory' }
  | { id: number; kind: 'image' }

export type EngineAnswer =
  | { id: number; bytes: Uint8Array }
  | { id: number; memory: number }
  /** The statement did not fail: the engine did, and its thread ends. */
  | { id: number; failure: string }

/** Sent once, when the engine has booted or could not. */
export type EngineReady = { ready: true } | { ready: false; failure: string }

/** Memory and code are shared between threads, so several engines hold them once. */
export interface EngineThreadData {
  image: SharedArrayBuffer
  wasm: WebAssembly.Module
}
