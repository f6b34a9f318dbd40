/** What a statement gave, as it came off the wire: cells in the text form of Postgres. */

export type Cell = Buffer | null

export interface Column {
  name: string
  typeId: number
}

export interface ResultSet {
  /** Made when they are first asked for. */
  rows: Cell[][]
  /** The same as they came off the wire: the number of cells, then the length and the bytes of each. */
  wire: Buffer[]
  /** Rows the statement changed or returned, from its command tag. */
  affected: number
  /** Only when the statement was described. */
  columns: Column[]
  /** True when the statement had more rows than were asked for. */
  truncated: boolean
}

export class Result implements ResultSet {
  readonly wire: Buffer[]
  affected: number
  columns: Column[]
  truncated: boolean
  #rows: Cell[][] | undefined

  constructor(wire: Buffer[] = [], affected = 0, columns: Column[] = [], truncated = false) {
    this.wire = wire
    this.affected = affected
    this.columns = columns
    this.truncated = truncated
  }

  get rows(): Cell[][] {
    this.#rows ??= this.wire.map(cellsOf)
    return this.#rows
  }
}

/** The cells of a row as it came off the wire. */
function cellsOf(wire: Buffer): Cell[] {
  const count = wire.readInt16BE(0)
  const cells = new Array<Cell>(count)
  let offset = 2
  for (let i = 0; i < count; i++) {
    const length = wire.readInt32BE(offset)
    offset += 4
    if (length < 0) cells[i] = null
    else {
      cells[i] = wire.subarray(offset, offset + length)
      offset += length
    }
  }
  return cells
}

/** The first cells of a row as it came off the wire, as text. */
export function textsOf(wire: Buffer, count: number): (string | null)[] {
  const texts = new Array<string | null>(count)
  let offset = 2
  for (let i = 0; i < count; i++) {
    const length = wire.readInt32BE(offset)
    offset += 4
    texts[i] = length < 0 ? null : wire.toString('utf8', offset, offset + length)
    offset += Math.max(0, length)
  }
  return texts
}

/** One cell of a row as it came off the wire, as text. */
export function textAt(wire: Buffer, index: number): string | null {
  let offset = 2
  for (let before = index; before > 0; before--) offset += 4 + Math.max(0, wire.readInt32BE(offset))
  const length = wire.readInt32BE(offset)
  return length < 0 ? null : wire.toString('utf8', offset + 4, offset + 4 + length)
}

/** The text of a cell. */
export function textOf(cell: Cell | undefined): string | null {
  return cell === null || cell === undefined ? null : cell.toString('utf8')
}

/** The number in a cell; NaN when there is none. */
export function numberOf(cell: Cell | undefined): number {
  return Number(textOf(cell) ?? Number.NaN)
}

/** The first cell of the first row, parsed as JSON; `undefined` when there is no row or it is NULL. */
export function jsonOf<T>(result: ResultSet | undefined): T | undefined {
  const cell = result?.rows[0]?.[0]
  return cell === null || cell === undefined ? undefined : (JSON.parse(cell.toString('utf8')) as T)
}
