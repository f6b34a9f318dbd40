import { freemem, totalmem } from 'node:os'

/** What the process needs besides its stores: HTTP, batches on their way, the embedded table. */
const OVERHEAD_BYTES = 512 * 1024 * 1024

/** Engines are 32-bit, but their data files are not in the 32-bit memory. Beyond this nothing was tried. */
const MOST_BYTES = 8 * 1024 ** 3

/** A limit for the writer's store: what is left of the machine or container, shared with the other stores of the process. */
export function defaultStoreLimitBytes(otherStores: number): number {
  const available = process.constrainedMemory() || totalmem()
  const share = ((Math.min(available, totalmem()) - OVERHEAD_BYTES) * 0.8) / (1 + otherStores)
  return Math.min(MOST_BYTES, Math.max(OVERHEAD_BYTES, Math.round(share)))
}

/** Memory that can still be taken, of the machine or the container. */
export function freeBytes(): number {
  const constrained = process.constrainedMemory()
  const left = constrained ? constrained - process.memoryUsage.rss() : Number.POSITIVE_INFINITY
  return Math.min(freemem(), left)
}

/** Memory of the process, all threads and stores together, and of the heap of its main thread. */
export function processMemory(): { rssBytes: number; heapBytes: number } {
  const { rss, heapUsed } = process.memoryUsage()
  return { rssBytes: rss, heapBytes: heapUsed }
}
