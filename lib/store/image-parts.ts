import type { MessagePort } from 'node:worker_threads'
import { messageOf } from '../model/errors.ts'

/** An image is handled in parts of so many bytes: what moves it holds one or a few of them, whatever its size. */
export const IMAGE_PART_BYTES = 16 * 1024 * 1024

/** An image in parts that are fetched as they are needed, so that nobody has to hold it whole. */
export interface ImageParts {
  readonly count: number
  /** Bytes in shared memory: several threads may boot from the same ones. Rejects when the part cannot be believed. */
  part(index: number): Promise<Uint8Array>
}

/** What engines boot from. */
export interface StoreImage {
  parts: ImageParts
  /** The database's code, compiled once for all engines of the process. */
  wasm: WebAssembly.Module
}

/** The bytes where threads can share them: a copy, if they are not there already. */
export function inSharedMemory(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.byteLength))
  shared.set(bytes)
  return shared
}

/** An image that is in memory already. */
export function partsInMemory(...parts: Uint8Array[]): ImageParts {
  return { count: parts.length, part: async (index) => parts[index]! }
}

type PartAnswer = { bytes: Uint8Array } | { failure: string }

/** Gives the thread at the other end of the port the parts that it asks for. */
export function serveParts(port: MessagePort, parts: ImageParts): void {
  port.on('message', async (index: number) => {
    try {
      port.postMessage({ bytes: await parts.part(index) } satisfies PartAnswer)
    } catch (error) {
      port.postMessage({ failure: messageOf(error) } satisfies PartAnswer)
    }
  })
}

/** The parts as a thread sees them: asked for one by one, so that only what is being loaded is in memory. */
export function partsFrom(port: MessagePort, count: number): ImageParts {
  return {
    count,
    part: (index) =>
      new Promise((resolve, reject) => {
        port.once('message', (answer: PartAnswer) => {
          if ('failure' in answer) reject(new Error(answer.failure))
          else resolve(answer.bytes)
          // The port alone must not keep the thread alive.
          if (index === count - 1) port.close()
        })
        port.postMessage(index)
      }),
  }
}
