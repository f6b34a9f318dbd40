import type { Command } from 'commander'
import { baseImage } from '../doctor/base.ts'
import { diffSnapshots, type TableDifference } from '../doctor/diff-snapshots.ts'
import { printJson, printTable } from './output.ts'
import { openForReading, type StoreFlags, withStore } from './store-flags.ts'

const DIFFERENT = 1

/** What changed between two snapshots, without a node. */
export function snapshotDiffCommand(snapshot: Command): void {
  withStore(
    snapshot.command('diff').description('rows added, removed and changed from one snapshot to another, by table'),
  )
    .argument('<a>')
    .argument('<b>')
    .option('--keys', 'name the rows, the first 100 of each kind')
    .option('--json', 'answer as JSON, with keys')
    .action(diff)
}

async function diff(a: string, b: string, flags: StoreFlags & { keys?: boolean; json?: boolean }): Promise<void> {
  const source = await openForReading(flags)
  try {
    const found = await diffSnapshots(source, await baseImage(), a, b)
    const different = found.filter(({ added, removed, changed }) => added + removed + changed > 0)
    if (flags.json) printJson(found)
    else report(different, flags.keys ?? false)
    if (different.length > 0) process.exitCode = DIFFERENT
  } finally {
    await source.close()
  }
}

function report(different: TableDifference[], keys: boolean): void {
  if (different.length === 0) return void process.stdout.write('the same rows in every table\n')
  const rows = different.map(({ table, rowsA, rowsB, added, removed, changed }) => [
    table,
    rowsA,
    rowsB,
    added,
    removed,
    changed,
  ])
  printTable(['TABLE', 'ROWS A', 'ROWS B', 'ADDED', 'REMOVED', 'CHANGED'], rows)
  if (!keys) return
  for (const { table, keys } of different) {
    for (const [kind, names] of Object.entries(keys)) {
      for (const name of names) process.stdout.write(`${table} ${kind} ${name}\n`)
    }
  }
}
