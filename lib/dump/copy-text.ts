import type { Cell } from '../store/result-set.ts'

/** The text form of COPY: rows end with a newline, columns with a tab; what would be mistaken for these is escaped. */

const [TAB, NEWLINE, BACKSLASH] = [0x09, 0x0a, 0x5c]

/** Behind a backslash, by the byte that it stands for; 0: the byte stands for itself. Bytes of UTF-8 are above all of it. */
const ESCAPES = new Uint8Array(256)
for (const [byte, letter] of ['\bb', '\tt', '\nn', '\vv', '\ff', '\rr', '\\\\'].map((pair) => Buffer.from(pair))) {
  ESCAPES[byte!] = letter!
}

/** NULL: a backslash that no text can begin with, as every one in a text is doubled. */
const NULL = Buffer.from('\\N')

/** Rows as the text of COPY. Cells are in the text form of their types. */
export function copyText(rows: readonly (readonly Cell[])[]): Buffer {
  let most = 0
  for (const row of rows) for (const cell of row) most += (cell === null ? NULL.byteLength : 2 * cell.byteLength) + 1
  const text = Buffer.allocUnsafe(most)
  let at = 0
  for (const row of rows) {
    for (const cell of row) {
      at = cell === null ? at + NULL.copy(text, at) : putEscaped(cell, text, at)
      text[at++] = TAB
    }
    text[at - 1] = NEWLINE
  }
  return text.subarray(0, at)
}

/** Puts a cell at a place and says where it ends. */
function putEscaped(cell: Buffer, text: Buffer, start: number): number {
  let at = start
  for (let index = 0; index < cell.length; index++) {
    const byte = cell[index]!
    const letter = ESCAPES[byte]!
    if (letter === 0) text[at++] = byte
    else {
      text[at++] = BACKSLASH
      text[at++] = letter
    }
  }
  return at
}
