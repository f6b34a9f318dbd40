import type { MessagePort } from 'node:worker_threads'
import type { RunOptions } from './engine.ts'
import type { Statement } from './statement.ts'

/** What passes between a thread engine and its thread. */
export type EngineRequest =
  | { id: number; kind: 'run'; statements: Statement[]; options: RunOptions }
  /** A procedure that the thread knows by name. */
  | { id: number; kind: 'call'; name: string; input: unknown; ahead: Statement[] }
  | { id: number; kind: 'query'; statement: Statement; maxRows: number }
  | { id: number; kind: 'memory' }
  /** The first part of an image, or the next one; the answer is empty behind the last. */
  | { id: number; kind: 'image'; first: boolean }

export type EngineAnswer =
  | { id: number; bytes: Uint8Array }
  | { id: number; memory: number }
  | { id: number; output: unknown }
  /** The procedure failed, the engine goes on. */
  | { id: number; error: string }
  /** The statement did not fail: the engine did, and its thread ends. */
  | { id: number; failure: string }

/** Sent once, when the engine has booted or could not. */
export type EngineReady = { ready: true } | { ready: false; failure: string }

/** Memory and code are shared between threads, so several engines hold them once. */
export interface EngineThreadData {
  /** Where to ask for the parts of the image, see `partsFrom`. */
  image: MessagePort
  parts: number
  wasm: WebAssembly.Module
}
