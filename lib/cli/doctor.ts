import type { Command } from 'commander'
import { baseImage } from '../doctor/base.ts'
import { type Diagnosis, diagnose } from '../doctor/diagnose.ts'
import type { Finding } from '../doctor/finding.ts'
import { silentLogger } from '../model/logger.ts'
import { systemRuntime } from '../model/runtime.ts'
import { mendCommands } from './doctor-mend.ts'
import { printJson, printTable } from './output.ts'
import { doctorProgress, openForReading, type StoreFlags, withStore } from './store-flags.ts'

/** The data is not what it should be. */
const DAMAGED = 3

interface DoctorFlags extends StoreFlags {
  export?: string
  deep?: boolean
  json?: boolean
}

export function doctorCommand(program: Command): void {
  const doctor = withStore(
    program
      .command('doctor')
      .description('examine a store without a node and without changing anything: log, bodies, snapshots; 3: damaged'),
  )
    .option('--export <file>', 'examine an export of the log instead (boreal log export)')
    .option('--deep', 'also restore every snapshot and compare it with a replay of the log')
    .option('--json', 'answer as JSON')
    .action(examine)
  mendCommands(doctor)
}

async function examine(flags: DoctorFlags): Promise<void> {
  const source = await openForReading(flags)
  try {
    const progress = doctorProgress()
    const context = { ...source, runtime: systemRuntime, logger: silentLogger, progress, base: baseImage }
    const diagnosis = await diagnose(context, { deep: flags.deep })
    if (flags.json) printJson(diagnosis)
    else report(diagnosis)
    if (diagnosis.severity === 'damage') process.exitCode = DAMAGED
  } finally {
    await source.close()
  }
}

function report({ place, storeId, checks, findings, severity }: Diagnosis): void {
  process.stdout.write(`store ${storeId} in ${place}\n`)
  printTable(
    ['CHECK', 'STATE', 'FOUND', 'LOOKED AT'],
    checks.map(({ check, severity, found, summary }) => [check, severity, found === 0 ? '' : found, summary]),
  )
  for (const finding of findings) tell(finding)
  const more = checks.reduce((sum, { found }) => sum + found, 0) - findings.length
  if (more > 0) process.stdout.write(`\n... and ${more} more\n`)
  process.stdout.write(severity === 'ok' ? '\nNothing is wrong.\n' : '')
}

function tell({ severity, check, lsn, to, key, what, safe, next }: Finding & { check: string }): void {
  const place = lsn === undefined ? '' : to === undefined || to === lsn ? ` LSN ${lsn}` : ` LSN ${lsn} to ${to}`
  process.stdout.write(`\n${severity.toUpperCase()} (${check})${place}: ${what}\n`)
  if (key !== undefined) process.stdout.write(`  where: ${key}\n`)
  if (safe !== undefined) process.stdout.write(`  safe:  ${safe}\n`)
  if (next !== undefined) process.stdout.write(`  next:  ${next}\n`)
}
