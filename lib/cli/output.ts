import cliProgress from 'cli-progress'
import Table from 'cli-table3'

/** How commands speak: tables and sentences for people, JSON for programs. Progress goes to stderr. */

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

/** A table without lines: columns aligned, easy to cut with other tools. */
export function printTable(head: string[], rows: unknown[][]): void {
  const table = new Table({ head, style: { head: [], border: [], compact: true }, chars: NO_LINES })
  for (const row of rows) table.push(row.map(cellText))
  process.stdout.write(`${table.toString()}\n`)
}

/** Names and values, one pair a line. */
export function printFields(fields: Record<string, unknown>): void {
  const table = new Table({ style: { head: [], border: [], compact: true }, chars: NO_LINES })
  for (const [name, value] of Object.entries(fields)) table.push([name, cellText(value)])
  process.stdout.write(`${table.toString()}\n`)
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

const NO_LINES = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
    .map((part) => [part, '']),
)
NO_LINES.middle = '  '

export interface Progress {
  advance(by?: number): void
  stop(): void
}

/** A progress bar where somebody is watching, nothing where nobody is. */
export function progressBar(label: string, total: number): Progress {
  if (!process.stderr.isTTY) return { advance: () => undefined, stop: () => undefined }
  const bar = new cliProgress.SingleBar(
    {
      format: `${label} {bar} {percentage}% | {value}/{total} | {rate}/s | ETA {eta_formatted}`,
      stream: process.stderr,
      hideCursor: true,
      etaBuffer: 500,
    },
    cliProgress.Presets.shades_classic,
  )
  const startedAt = performance.now()
  let done = 0
  bar.start(total, 0, { rate: 0 })
  return {
    advance: (by = 1) => {
      done += by
      bar.update(done, { rate: Math.round(done / ((performance.now() - startedAt) / 1_000)) })
    },
    stop: () => bar.stop(),
  }
}
