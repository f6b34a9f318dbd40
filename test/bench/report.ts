import Table from 'cli-table3'
import type { BenchCase } from './bench-case.ts'
import type { Figure } from './figures.ts'
import type { Machine } from './machine.ts'
import type { Verdict } from './verdict.ts'

/** Everything that a run found; what the JSON file holds, and what tables and plots are made of. */
export interface Report {
  machine: Machine
  options: { repeats: number; seconds: number; sizes: number[]; quick: boolean }
  figures: Figure[]
  verdicts: Verdict[]
}

/** The tables of a case. */
export function caseText({ title, about }: Pick<BenchCase, 'title' | 'about'>, figures: readonly Figure[]): string {
  const table = plainTable(['', 'system', 'median', 'unit', 'rounds', 'p50 ms', 'p99 ms', 'longest ms', 'client ms/op'])
  let last: string | undefined
  for (const each of sorted(figures)) {
    const { variant, system, value, unit, rounds, p50, p99, max, clientCpuMs } = each
    const spread = rounds.length < 2 ? '' : `${digits(Math.min(...rounds))} – ${digits(Math.max(...rounds))}`
    const times = [p50, p99, max, clientCpuMs].map((time) => (time === undefined ? '' : digits(time)))
    table.push([variant === last ? '' : variant, system, digits(value), unit, spread, ...times])
    last = variant
  }
  const notes = new Map(figures.flatMap(({ system, note }) => (note === undefined ? [] : [[system, note] as const])))
  const said = [...notes].map(([system, note]) => `  ${system}: ${note}\n`).join('')
  return `${title}\n${about}\n${said}\n${table}\n`
}

/** By variant, in the order of their first appearance, so that systems stand below each other. */
function sorted(figures: readonly Figure[]): Figure[] {
  const order = [...new Set(figures.map(({ variant }) => variant))]
  return figures.toSorted((a, b) => order.indexOf(a.variant) - order.indexOf(b.variant))
}

export function verdictText(verdicts: readonly Verdict[]): string {
  const table = plainTable(['measure', 'found', 'floor', 'goal', ''])
  for (const { name, unit, sense, floor, goal, found, floorMet, goalMet } of verdicts) {
    const limit = (value: number) => `${sense === '>=' ? '≥' : '≤'} ${digits(value)} ${unit}`
    const judged = found === undefined ? 'not measured' : goalMet ? 'goal met' : floorMet ? 'floor met' : 'BELOW FLOOR'
    table.push([name, found === undefined ? '' : `${digits(found)} ${unit}`, limit(floor), limit(goal), judged])
  }
  return `${table}\n`
}

export function machineText(machine: Machine): string {
  const table = plainTable([])
  for (const [name, value] of Object.entries(machine)) {
    for (const each of Array.isArray(value) ? value : [value]) table.push([name, String(each)])
  }
  return `${table}\n`
}

/** Three digits that matter; more would be noise. */
export function digits(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value)
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return value.toLocaleString('en-US', { maximumFractionDigits: Math.min(decimals, 4) })
}

const BORDERS = ['top', 'bottom', 'left', 'right', 'mid'].flatMap((part) => [
  part,
  ...['mid', 'left', 'right'].map((end) => `${part}-${end}`),
])

function plainTable(head: string[]): Table.Table {
  const none = Object.fromEntries(BORDERS.map((part) => [part, '']))
  return new Table({
    head,
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
    chars: { ...none, middle: '  ' },
  })
}
