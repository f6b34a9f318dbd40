/**
 * Large files of the engine's file system grow in place. Emscripten's own copies a file whole for every eighth that it grows:
 * a table of 200 MB was copied nine times over until it had that size, which took 1.1 to 1.9 s instead of 0.16, the first
 * rows behind an image waited for a copy of every table and index, and a writer with a large store stood still for one now
 * and then. What a file gives up is free at once, instead of when garbage is collected.
 *
 * Invariant: `contents` of a file has at least `usedBytes` bytes; what is behind them are zeros that take no memory.
 */

/** A file, as Emscripten's MEMFS has it. Its operations are shared by all files of an engine. */
export interface MemoryFile {
  contents: Uint8Array<ArrayBuffer>
  usedBytes: number
  node_ops: { setattr(file: MemoryFile, attributes: { size?: number }): void }
  stream_ops: { write(stream: { node: MemoryFile }, ...what: WriteArguments): number }
}

export interface MemoryFolder {
  contents: Record<string, MemoryNode>
}

export type MemoryNode = MemoryFile | MemoryFolder

export function isFolder(node: MemoryNode): node is MemoryFolder {
  return !ArrayBuffer.isView(node.contents)
}

type WriteArguments = [buffer: Uint8Array, offset: number, length: number, position: number, canOwn?: boolean]

/** Files of the catalog stay below; there are hundreds of them. */
const LARGE_BYTES = 256 * 1024

/** A table goes on in another file from there on. */
const LARGEST_BYTES = 1024 * 1024 * 1024

/** Addresses that are reserved for a file: they take no memory, but their number is not without limit everywhere. */
const LEAST_RESERVED_BYTES = 64 * 1024 * 1024
const RESERVED_SHARE = 8

/** By how much a file grows at least. */
const GROWTH = 1.25

/** Memory for the content of a file, all zeros: a large one may grow in place. */
export function fileMemory(bytes: number): Uint8Array<ArrayBuffer> {
  if (bytes < LARGE_BYTES || bytes > LARGEST_BYTES) return new Uint8Array(bytes)
  const maxByteLength = Math.min(LARGEST_BYTES, Math.max(LEAST_RESERVED_BYTES, RESERVED_SHARE * bytes))
  try {
    return new Uint8Array(new ArrayBuffer(bytes, { maxByteLength }))
  } catch (error) {
    // Where a process may not have so many addresses, files are copied.
    if (error instanceof RangeError) return new Uint8Array(bytes)
    throw error
  }
}

/** Makes all files of an engine grow in place. */
export function growInPlace({ node_ops, stream_ops }: MemoryFile): void {
  const { setattr } = node_ops
  const { write } = stream_ops
  stream_ops.write = (stream, buffer, offset, length, position, canOwn) => {
    if (!canOwn) grow(stream.node, position + length)
    return write(stream, buffer, offset, length, position, canOwn)
  }
  node_ops.setattr = (file, attributes) => {
    const { contents } = file
    setattr(file, attributes)
    // It has copied what is left, for good measure.
    if (file.contents !== contents && contents.buffer.resizable) contents.buffer.resize(0)
  }
}

function grow(file: MemoryFile, bytes: number): void {
  const { contents, usedBytes } = file
  if (bytes <= contents.length || bytes < LARGE_BYTES) return
  const { buffer } = contents
  const wanted = Math.max(bytes, Math.floor(contents.length * GROWTH))
  if (buffer.resizable && bytes <= buffer.maxByteLength) {
    buffer.resize(Math.min(wanted, buffer.maxByteLength))
    file.contents = new Uint8Array(buffer)
    return
  }
  const larger = fileMemory(wanted)
  larger.set(contents.subarray(0, usedBytes))
  file.contents = larger
}
