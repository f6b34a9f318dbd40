import type { Command } from 'commander'
import { BorealError } from '../model/errors.ts'
import { systemRuntime } from '../model/runtime.ts'
import { type NodeFlags, nodeConfig } from '../node/config.ts'
import { LOG_WORDS, type RestoreJob, restoreOnce } from '../node/restore-job.ts'
import { printFields, printJson } from './output.ts'
import { stderrLogger } from './stderr-logger.ts'

interface RestoreFlags extends NodeFlags {
  from: string
  store?: string
  fromBucket?: string
  fromObjects?: string
  fromPrefix?: string
  fromBackups?: boolean
  dryRun?: boolean
  yes?: boolean
  json?: boolean
}

export function restoreCommand(program: Command): void {
  program
    .command('restore')
    .description('make a new store in the place of one that was lost, from a snapshot and what there is behind it')
    .requiredOption('--from <snapshot>', 'id of a verified snapshot or of a backup, or newest')
    .option('--name <name>', 'name of the store in the table (BOREAL_NAME; default main)')
    .option('--store <id>', 'which lost store, where the objects have snapshots of several')
    .option('--data <folder>', 'folder of a stopped embedded node (BOREAL_DATA; default ./data)')
    .option('--table <name>', 'DynamoDB table instead of --data (BOREAL_TABLE)')
    .option('--bucket <name>', 'with --table: S3 bucket for objects (BOREAL_BUCKET)')
    .option('--objects <folder>', 'with --table: folder for objects (BOREAL_OBJECTS)')
    .option('--create-table', 'with --table: create the table when it is missing (BOREAL_CREATE_TABLE=true)')
    .option('--from-bucket <name>', 'bucket that the snapshots are in, if it is another one')
    .option('--from-objects <folder>', 'folder that the snapshots are in, if it is another one')
    .option('--from-prefix <prefix>', 'what their keys begin with there')
    .option(
      '--from-backups',
      'from a backup, its image or its dump, instead of a snapshot: of the store, or of the place that is named',
    )
    .option('--backup-bucket <name>', 'bucket of the backups (BOREAL_BACKUP_BUCKET)')
    .option(
      '--backup-objects <folder>',
      'folder of the backups (BOREAL_BACKUP_OBJECTS; default backups in the data folder)',
    )
    .option('--dry-run', 'say what would be done')
    .option('--yes', 'do it')
    .option('--json', 'answer as JSON')
    .action(restore)
}

async function restore(flags: RestoreFlags): Promise<void> {
  const { storage, name } = nodeConfig(flags, process.env)
  const confirm = flags.yes === true && flags.dryRun !== true
  const { from, store: storeId } = flags
  const job: RestoreJob = { storage, name, from, storeId, source: sourceOf(flags) }
  const logger = stderrLogger('warn')
  const { plan, restored } = await restoreOnce(job, { runtime: systemRuntime, logger, confirm })
  const { lostId, registered, bases, log, registeredEnd } = plan
  const [base] = bases
  const kind = base.dump === undefined ? 'snapshot' : 'dump of backup'
  const shown = {
    name,
    'lost store': lostId,
    [kind]: base.dump === undefined ? base.image.snapshotId : base.dump.backupId,
    [base.dump === undefined ? 'snapshot ends' : 'dump ends']:
      `LSN ${base.lsn}, ${new Date(base.entryTime).toISOString()}`,
    'its log in the table': LOG_WORDS[log],
    'the name means now':
      registered === undefined ? 'nothing' : `store ${registered.storeId}, which ends (its log: ${registeredEnd})`,
  }
  if (restored === undefined) {
    if (flags.json) printJson({ ...plan, source: undefined, bases: bases.map(shownBase) })
    else printFields(shown)
    if (flags.dryRun) return
    throw new BorealError('confirmation_required', 'nothing was done; repeat it with --yes')
  }
  const { registration, from: begun, lsn, stoppedBy } = restored
  if (flags.json) return printJson(restored)
  printFields(shown)
  process.stdout.write(
    `restored ${name}: store ${registration.storeId}, up to LSN ${lsn}${begun === base.what ? '' : `, from ${begun}`}` +
      `${stoppedBy === undefined ? '' : ` (then: ${stoppedBy})`}\nstart its nodes again\n`,
  )
}

const shownBase = ({ what, lsn, entryTime }: { what: string; lsn: number; entryTime: number }) => ({
  ...{ from: what, lsn, entryTime },
})

function sourceOf({
  fromBucket,
  fromObjects,
  fromPrefix: prefix,
  fromBackups: backups,
}: RestoreFlags): RestoreJob['source'] {
  if (fromBucket !== undefined && fromObjects !== undefined) {
    throw new BorealError('invalid_field', '--from-bucket and --from-objects exclude each other')
  }
  if (fromBucket !== undefined) return { place: { bucket: fromBucket }, prefix, backups }
  if (fromObjects !== undefined) return { place: { folder: fromObjects }, prefix, backups }
  if (prefix === undefined) return backups ? { backups } : undefined
  throw new BorealError('invalid_field', '--from-prefix goes with --from-bucket or --from-objects')
}
