import { Command, CommanderError } from 'commander'
import manifest from '../../package.json' with { type: 'json' }
import { BorealError, isBorealError, messageOf } from '../model/errors.ts'
import { archiveCommand, trimCommand } from './archive.ts'
import { backtrackCommand } from './backtrack.ts'
import { backupCommand } from './backup.ts'
import { benchCommand } from './bench.ts'
import { cloneCommand, storeCommand } from './clone.ts'
import { doctorCommand } from './doctor.ts'
import { dumpCommand } from './dump.ts'
import { logCommand } from './log.ts'
import { migrationsCommand } from './migrations.ts'
import { prepareCommand } from './prepare.ts'
import { queryCommand } from './query.ts'
import { recoveryCommand } from './recovery.ts'
import { replayCommand } from './replay.ts'
import { restoreCommand } from './restore.ts'
import { snapshotCommand } from './snapshot.ts'
import { startCommand } from './start.ts'
import { statusCommand } from './status.ts'
import { tableCommand } from './table.ts'
import { upgradeCommand } from './upgrade.ts'

/** Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the data is not what it should be. */
const FAILED = 1
const WRONG_USAGE = 2
const WRONG_DATA = 3

/** The command `boreal`. */
export async function main(argv: string[]): Promise<void> {
  const program = new Command('boreal')
    .description(manifest.description)
    .version(manifest.version)
    .showHelpAfterError('(boreal --help lists the commands)')
    .exitOverride()
  const commands = [
    startCommand,
    statusCommand,
    queryCommand,
    logCommand,
    snapshotCommand,
    archiveCommand,
    trimCommand,
    backupCommand,
    dumpCommand,
    recoveryCommand,
    backtrackCommand,
    migrationsCommand,
    upgradeCommand,
    cloneCommand,
    storeCommand,
    restoreCommand,
    replayCommand,
    tableCommand,
    doctorCommand,
    prepareCommand,
    benchCommand,
  ]
  for (const add of commands) add(program)
  try {
    await program.parseAsync(argv)
  } catch (error) {
    process.exitCode = exitCode(error)
    if (!(error instanceof CommanderError)) explain(error)
  }
}

function exitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE
  const wrong = [
    'log_corrupt',
    'snapshot_corrupt',
    'backup_corrupt',
    'archive_corrupt',
    'migration_failed',
    'constraint_violation',
  ] as const
  if (isBorealError(error, ...wrong)) return WRONG_DATA
  return isBorealError(error, 'invalid_field') ? WRONG_USAGE : FAILED
}

function explain(error: unknown): void {
  const code = error instanceof BorealError ? ` (${error.code})` : ''
  process.stderr.write(`boreal: ${messageOf(error)}${code}\n`)
  if (process.env.BOREAL_LOG_LEVEL === 'debug' && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  for (const { path, message } of isBorealError(error) ? (error.errors ?? []) : []) {
    process.stderr.write(`  ${path}: ${message}\n`)
  }
}
