import { userInfo } from 'node:os'
import type { Command } from 'commander'
import { openExport } from '../doctor/export-file.ts'
import { openForMending } from '../doctor/open-source.ts'
import { planQuarantine, type QuarantinePlan, quarantine, ring } from '../doctor/quarantine.ts'
import { ARCHIVE, copiesIn, copiesInArchive, planRepair, repair } from '../doctor/repair.ts'
import { decodeQuarantine } from '../log/quarantine.ts'
import { BorealError } from '../model/errors.ts'
import { silentLogger } from '../model/logger.ts'
import { systemRuntime } from '../model/runtime.ts'
import { numberOf } from '../node/config.ts'
import { printFields, printJson } from './output.ts'
import { configOf, type StoreFlags, withStore } from './store-flags.ts'

interface MendFlags extends StoreFlags {
  from?: string
  reason?: string
  by?: string
  dryRun?: boolean
  yes?: boolean
  json?: boolean
}

/** The commands of the doctor that change something. Each says first what it would do. */
export function mendCommands(doctor: Command): void {
  withStore(doctor.command('repair').description('put entries of the log back from another copy, byte for byte'))
    .argument('<lsn>', 'an entry, or several: 12..14')
    .requiredOption('--from <file>', 'an export that has them (boreal log export), or: archive')
    .option('--dry-run', 'only say what would be written')
    .option('--json', 'answer as JSON')
    .action((lsn: string, _: MendFlags, command: Command) => repairAll(lsn, command.optsWithGlobals()))

  withStore(doctor.command('quarantine').description('make every store step over entries that are lost'))
    .argument('<lsn>', 'an entry, or several: 12..14')
    .requiredOption('--reason <text>', 'why; it stays with the log for ever')
    .option('--by <name>', 'who decides it (default: the user of this shell)')
    .option('--from <file>', 'an export in which to look for a copy first')
    .option('--dry-run', 'only say what would be lost')
    .option('--yes', 'do it; there is no way back')
    .option('--json', 'answer as JSON')
    .action((lsn: string, _: MendFlags, command: Command) => quarantineAll(lsn, command.optsWithGlobals()))
}

const context = { runtime: systemRuntime, logger: silentLogger }

async function repairAll(text: string, flags: MendFlags): Promise<void> {
  const { lsn, to } = rangeOf(text)
  const { storage, name } = configOf(flags)
  const exported = flags.from === ARCHIVE ? undefined : await openExport(flags.from!)
  try {
    const { source, mending } = await openForMending(storage, { name, storeId: flags.store }, context)
    try {
      const copies = exported === undefined ? copiesInArchive(source, silentLogger) : copiesIn(exported)
      const done: object[] = []
      // Downwards: an entry says which hash the one before it must have.
      for (let each = to; each >= lsn; each--) {
        const plan = await planRepair(source, copies, each)
        if (!flags.dryRun) await repair(plan, mending)
        const { failure, writes, copy } = plan
        done.push({ lsn: each, failure, writes, hash: copy.item.hash, transactions: copy.item.transactions })
        if (!flags.json) {
          const what = `${writes.join(' and ')} from ${copies.place} (${failure})`
          process.stdout.write(`${flags.dryRun ? 'would put back' : 'put back'} LSN ${each}: ${what}\n`)
        }
        // What is not written yet cannot vouch for the one below.
        if (flags.dryRun && each > lsn) {
          if (!flags.json) process.stdout.write('the others are looked at when this one is there\n')
          break
        }
      }
      if (flags.json) printJson({ dryRun: flags.dryRun === true, entries: done })
      else if (!flags.dryRun) process.stdout.write('now: boreal doctor\n')
    } finally {
      await source.close()
    }
  } finally {
    await exported?.close()
  }
}

async function quarantineAll(text: string, flags: MendFlags): Promise<void> {
  const { lsn, to } = rangeOf(text)
  if (flags.reason!.trim() === '') throw new BorealError('invalid_field', '--reason must say why')
  const { storage, name } = configOf(flags)
  const copies = flags.from === undefined ? undefined : await openExport(flags.from)
  const { source, mending, log } = await openForMending(storage, { name, storeId: flags.store }, context)
  try {
    const known = decodeQuarantine((await source.log.head())?.quarantined)
    const same = known.find((each) => each.lsn === lsn && each.to === to)
    if (same !== undefined) {
      // Whoever did it may have been stopped before running nodes were told.
      if (flags.yes) await ring(log, source, to + 1)
      if (flags.json) printJson(same)
      else process.stdout.write(`it is quarantined already, for: ${same.reason}\n`)
      return
    }
    const places = [copiesInArchive(source, silentLogger), ...(copies === undefined ? [] : [copiesIn(copies)])]
    const request = { lsn, to, reason: flags.reason!, by: flags.by ?? userInfo().username }
    const plan = await planQuarantine(source, request, places)
    if (!flags.json) explain(plan)
    if (flags.dryRun) return flags.json ? printJson({ dryRun: true, ...shown(plan) }) : undefined
    if (!flags.yes) {
      throw new BorealError(
        'confirmation_required',
        'nothing was changed. Stop every node of the store, then say --yes',
      )
    }
    const record = await quarantine(plan, source, log, mending)
    if (flags.json) printJson(record)
    else process.stdout.write(`quarantined LSN ${text}; start the nodes again, then: boreal snapshot now\n`)
  } finally {
    await source.close()
    await copies?.close()
  }
}

function shown({ lsn, to, failure, transactions, reason, by, hash }: QuarantinePlan) {
  return { lsn, to, failure, transactions, reason, by, hash }
}

function explain(plan: QuarantinePlan): void {
  const { transactions, ...rest } = shown(plan)
  printFields({ ...rest, 'transactions lost': transactions ?? 'nobody can tell how many' })
  process.stdout.write(
    'Those transactions were acknowledged, and are lost: their effects and their answers. A client that repeats one with\n' +
      'its key has it carried out again. Every store steps over these entries from now on, and the log says so for ever.\n',
  )
}

/** `12` or `12..14`. */
function rangeOf(text: string): { lsn: number; to: number } {
  const [from, to = from, ...rest] = text.split('..')
  const lsn = numberOf('lsn', from!, 0, Number.MAX_SAFE_INTEGER)
  if (rest.length > 0) throw new BorealError('invalid_field', `${text} is neither an LSN nor two with .. between them`)
  return { lsn, to: numberOf('lsn', to!, lsn, Number.MAX_SAFE_INTEGER) }
}
