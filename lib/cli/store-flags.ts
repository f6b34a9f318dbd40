import type { Command } from 'commander'
import type { DoctorProgress, Source } from '../doctor/context.ts'
import { openExport } from '../doctor/export-file.ts'
import { openSource } from '../doctor/open-source.ts'
import { systemRuntime } from '../model/runtime.ts'
import { type NodeConfig, type NodeFlags, nodeConfig } from '../node/config.ts'
import { progressBar } from './output.ts'

/** Where commands find a store that they open themselves, without a node: the flags of `boreal start`. */
export interface StoreFlags extends NodeFlags {
  store?: string
}

export function withStore(command: Command): Command {
  return command
    .option('--data <folder>', 'folder of a stopped embedded server (BOREAL_DATA; default ./data)')
    .option('--table <name>', 'DynamoDB table instead of --data (BOREAL_TABLE); AWS_ENDPOINT_URL names another server')
    .option('--bucket <name>', 'with --table: S3 bucket of the objects (BOREAL_BUCKET)')
    .option('--objects <folder>', 'with --table: folder of the objects (BOREAL_OBJECTS)')
    .option('--name <name>', 'name of the store in the table (BOREAL_NAME; default main)')
    .option('--store <id>', 'the store with this id, whatever the name means now')
}

export function configOf(flags: StoreFlags): NodeConfig {
  return nodeConfig(flags, process.env)
}

/** Opens a store, or an export of one, for looking into it. The caller closes it. */
export function openForReading(flags: StoreFlags & { export?: string | undefined }): Promise<Source> {
  if (flags.export !== undefined) return openExport(flags.export)
  const { storage, name } = configOf(flags)
  return openSource(storage, { name, storeId: flags.store }, systemRuntime)
}

/** Time between two lines where nobody watches a bar. */
const SAY_MS = 5_000

/** A bar on a terminal, a line from time to time elsewhere. */
export function doctorProgress(): DoctorProgress {
  let bar = progressBar('', 0)
  let state = { what: '', total: 0, done: 0, startedAt: 0, saidAt: 0 }
  return {
    begin: (what, total) => {
      const now = performance.now()
      state = { what, total, done: 0, startedAt: now, saidAt: now }
      bar = progressBar(what, total)
    },
    advance: (by) => {
      state.done += by
      bar.advance(by)
      const now = performance.now()
      if (process.stderr.isTTY || now - state.saidAt < SAY_MS) return
      state.saidAt = now
      process.stderr.write(`boreal: ${progressText(state, now)}\n`)
    },
    end: () => bar.stop(),
  }
}

function progressText(state: { what: string; total: number; done: number; startedAt: number }, now: number): string {
  const { what, total, done, startedAt } = state
  const rate = done / ((now - startedAt) / 1_000)
  const left = total > done ? `, about ${Math.ceil((total - done) / rate)} s left` : ''
  return `${what}: ${done}${total > done ? ` of about ${total}` : ''}, ${Math.round(rate)}/s${left}`
}
