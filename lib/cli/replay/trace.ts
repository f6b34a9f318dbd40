import { readFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import { BorealError } from '../../model/errors.ts'

/**
 * A cluster trace: nodes, and pods with what they asked for, when they came and went, and how they ended. The format
 * is that of the public GPU cluster traces of 2023 (columns below); amounts are milli-CPUs, MiB and milli-GPUs.
 */
export interface TraceNode {
  name: string
  cpuMilli: number
  memoryMib: number
  gpus: number
  model: string
}

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed'

export interface TracePod {
  name: string
  cpuMilli: number
  memoryMib: number
  gpus: number
  /** Share of each GPU, 1000 is a whole one. */
  gpuMilli: number
  /** Models that will do; empty: any. */
  gpuModels: string[]
  qos: string
  phase: PodPhase
  createdAt: number
  /** Absent for pods that never got a place. */
  scheduledAt: number | undefined
  endedAt: number | undefined
}

export interface Trace {
  nodes: TraceNode[]
  pods: TracePod[]
}

const PHASES: readonly string[] = ['Pending', 'Running', 'Succeeded', 'Failed'] satisfies PodPhase[]

/** Reads the two files of a trace. @throws BorealError `invalid_field` naming file and line */
export function readTrace(podsFile: string, nodesFile: string): Trace {
  const nodes = readCsv(nodesFile, ['sn', 'cpu_milli', 'memory_mib', 'gpu'], (row) => ({
    name: row.text('sn'),
    cpuMilli: row.number('cpu_milli'),
    memoryMib: row.number('memory_mib'),
    gpus: row.number('gpu'),
    model: row.optional('model') ?? '',
  }))
  const columns = ['name', 'cpu_milli', 'memory_mib', 'num_gpu', 'gpu_milli', 'qos', 'pod_phase', 'creation_time']
  const pods = readCsv(podsFile, columns, (row) => ({
    name: row.text('name'),
    cpuMilli: row.number('cpu_milli'),
    memoryMib: row.number('memory_mib'),
    gpus: row.number('num_gpu'),
    gpuMilli: row.number('gpu_milli'),
    gpuModels: (row.optional('gpu_spec') ?? '').split('|').filter((model) => model !== ''),
    qos: row.text('qos'),
    phase: row.phase('pod_phase'),
    createdAt: row.number('creation_time'),
    scheduledAt: row.optionalNumber('scheduled_time'),
    endedAt: row.optionalNumber('deletion_time'),
  }))
  return { nodes, pods }
}

class Row {
  readonly #values: Record<string, string>
  readonly #place: string

  constructor(values: Record<string, string>, place: string) {
    this.#values = values
    this.#place = place
  }

  optional(column: string): string | undefined {
    return this.#values[column] || undefined
  }

  text(column: string): string {
    const value = this.optional(column)
    if (value === undefined) throw new BorealError('invalid_field', `${this.#place}: ${column} is empty`)
    return value
  }

  number(column: string): number {
    const value = Number(this.text(column))
    if (value >= 0 && Number.isFinite(value)) return value
    throw new BorealError('invalid_field', `${this.#place}: ${column} is no amount: ${this.text(column)}`)
  }

  optionalNumber(column: string): number | undefined {
    return this.optional(column) === undefined ? undefined : this.number(column)
  }

  phase(column: string): PodPhase {
    const value = this.text(column)
    if (PHASES.includes(value)) return value as PodPhase
    throw new BorealError('invalid_field', `${this.#place}: ${column} is ${value}, not one of ${PHASES.join(', ')}`)
  }
}

function readCsv<T>(file: string, columns: string[], convert: (row: Row) => T): T[] {
  let rows: Record<string, string>[]
  try {
    rows = parse(readFileSync(file), { columns: true, skip_empty_lines: true, trim: true, bom: true })
  } catch (error) {
    throw new BorealError('invalid_field', `${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  const missing = columns.filter((column) => rows[0] !== undefined && !(column in rows[0]))
  if (missing.length > 0) throw new BorealError('invalid_field', `${file} has no column ${missing.join(', ')}`)
  return rows.map((row, index) => convert(new Row(row, `${file}:${index + 2}`)))
}
