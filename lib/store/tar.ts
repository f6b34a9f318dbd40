/**
 * The little of tar (ustar) that an image needs: folders and files with names of less than 100 characters, written and
 * read in pieces of any size, so that nobody has to hold an image whole.
 */
const BLOCK = 512

/** Sizes are 11 octal digits. */
const MOST_BYTES = 8 ** 11 - 1

export interface TarEntry {
  name: string
  kind: 'file' | 'folder'
  /** Bytes of the content; 0 for a folder. */
  size: number
}

/** The block that announces an entry. */
export function tarHeader({ name, kind, size }: TarEntry): Uint8Array {
  const header = Buffer.alloc(BLOCK)
  const path = kind === 'folder' ? `${name}/` : name
  if (Buffer.byteLength(path) > 100) throw new Error(`${path} is too long for a tar`)
  if (size > MOST_BYTES) throw new Error(`${path} is too large for a tar`)
  header.write(path, 0)
  header.write(kind === 'folder' ? '0000700\0' : '0000600\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  // No time: equal data gives equal bytes.
  header.write('00000000000\0', 136)
  header.write(kind === 'folder' ? '5' : '0', 156)
  header.write('ustar\x0000', 257)
  header.write(`${checksum(header).toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** Zeros that fill the last block of a content of this size. */
export function tarPadding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}

/** Zeros that end a tar. */
export const TAR_END_BYTES = 2 * BLOCK

/** Reads a tar that comes in pieces, and hands over each entry when it is complete. */
export class TarReader {
  readonly #onEntry: (entry: TarEntry, content: Uint8Array) => void
  readonly #allocate: (bytes: number) => Uint8Array<ArrayBuffer>
  readonly #header = Buffer.alloc(BLOCK)
  #headerBytes = 0
  #entry: TarEntry | undefined
  #content = new Uint8Array()
  #contentBytes = 0
  /** Padding behind a content that is still to come. */
  #padding = 0
  #ended = false

  /** `allocate` gives the memory for a content, which is the receiver's to keep. */
  constructor(
    onEntry: (entry: TarEntry, content: Uint8Array) => void,
    allocate: (bytes: number) => Uint8Array<ArrayBuffer> = (bytes) => new Uint8Array(bytes),
  ) {
    this.#onEntry = onEntry
    this.#allocate = allocate
  }

  /** Takes the next piece. @throws Error when it is no tar */
  push(piece: Uint8Array): void {
    let at = 0
    while (at < piece.byteLength && !this.#ended) {
      if (this.#padding > 0) at += this.#skip(piece.byteLength - at)
      else if (this.#entry === undefined) at += this.#readHeader(piece.subarray(at))
      else at += this.#readContent(piece.subarray(at))
    }
  }

  /** All pieces were there. @throws Error when the tar is cut off */
  end(): void {
    if (!this.#ended) throw new Error('the image ends in the middle')
  }

  #skip(available: number): number {
    const skipped = Math.min(this.#padding, available)
    this.#padding -= skipped
    return skipped
  }

  #readHeader(piece: Uint8Array): number {
    const taken = Math.min(BLOCK - this.#headerBytes, piece.byteLength)
    this.#header.set(piece.subarray(0, taken), this.#headerBytes)
    this.#headerBytes += taken
    if (this.#headerBytes === BLOCK) {
      this.#headerBytes = 0
      this.#begin()
    }
    return taken
  }

  #begin(): void {
    if (this.#header.every((byte) => byte === 0)) {
      this.#ended = true
      return
    }
    const entry = entryOf(this.#header)
    if (entry.size === 0) {
      this.#onEntry(entry, new Uint8Array())
      return
    }
    this.#entry = entry
    this.#content = this.#allocate(entry.size)
    this.#contentBytes = 0
  }

  #readContent(piece: Uint8Array): number {
    const entry = this.#entry!
    const taken = Math.min(entry.size - this.#contentBytes, piece.byteLength)
    this.#content.set(piece.subarray(0, taken), this.#contentBytes)
    this.#contentBytes += taken
    if (this.#contentBytes === entry.size) {
      this.#entry = undefined
      this.#padding = tarPadding(entry.size)
      this.#onEntry(entry, this.#content)
      this.#content = new Uint8Array()
    }
    return taken
  }
}

function entryOf(header: Buffer): TarEntry {
  const octal = (from: number, to: number) => Number.parseInt(textOf(header, from, to).trim(), 8)
  if (octal(148, 156) !== checksum(header)) throw new Error('the image has a block that is no header of a tar')
  const type = textOf(header, 156, 157)
  const kind = type === '5' ? 'folder' : 'file'
  const prefix = textOf(header, 345, 500)
  const name = (prefix === '' ? '' : `${prefix}/`) + textOf(header, 0, 100)
  return { name: name.replace(/\/+$/, ''), kind, size: kind === 'folder' ? 0 : octal(124, 136) }
}

function textOf(header: Buffer, from: number, to: number): string {
  const text = header.toString('latin1', from, to)
  const end = text.indexOf('\0')
  return end < 0 ? text : text.slice(0, end)
}

/** Sum of the header's bytes, its own field taken as blanks. */
function checksum(header: Uint8Array): number {
  let sum = 8 * 0x20
  for (const [index, byte] of header.entries()) if (index < 148 || index >= 156) sum += byte
  return sum
}
