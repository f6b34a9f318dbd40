import { BorealError } from '../model/errors.ts'
import type { PastSettings } from '../recovery/past-stores.ts'
import { CODECS, type PartCodec } from '../snapshot/documents.ts'
import type { QueueLimits } from '../writer/queue.ts'
import type { StoreLimits } from '../writer/store-limits.ts'
import type { HistorySettings } from './history-pruner.ts'
import type { ArchiveSettings } from './node-archive.ts'
import type { BackupSettings } from './node-backups.ts'
import type { SnapshotSettings } from './node-snapshots.ts'
import { STORE_SETTINGS, type StoreSettings, storeOptions } from './store-settings.ts'

/** Where a node's log and objects are. */
export type Storage = (
  | /** A folder: the embedded table and a directory of objects. */
  { kind: 'embedded'; data: string; sync: boolean }
  /** A DynamoDB table, and a bucket or a directory of objects. */
  | { kind: 'remote'; table: string; bucket?: string; objects?: string; createTable: boolean }
) & {
  /** Where backups are. Default: embedded, a folder beside the others; else with the objects. */
  backups?: ObjectsPlace
}

/** Where objects are. */
export type ObjectsPlace = { folder: string } | { bucket: string }

export interface NodeConfig {
  storage: Storage
  /** Name of the store in the table's registry. */
  name: string
  readers: number
  storeLimitBytes: number | undefined
  limits: StoreLimits
  queue: QueueLimits
  history: HistorySettings
  snapshots: SnapshotSettings
  backupSettings: BackupSettings
  archive: ArchiveSettings
  past: PastSettings
  /** Ms between rounds that delete what is left of deleted clones; 0 for never. */
  sweepMs: number
  /** How images are stored. */
  snapshotCodec: PartCodec
  /** Create a store even where one seems to have been lost. */
  newStore: boolean
  /** Ms between looks at the log while nothing else does it; 0 for never. */
  pollMs: number
  /** Whether every node of the store writes, or the one that holds the lease. */
  writers: Writers
  /** URL at which the other nodes reach this one; always there when `writers` is `leased`. */
  endpoint: string | undefined
}

const WRITERS = ['any', 'leased'] as const

export type Writers = (typeof WRITERS)[number]

/** Settings as they come from flags; what is absent is looked for in the environment, then a default is taken. */
export interface NodeFlags {
  data?: string | undefined
  table?: string | undefined
  bucket?: string | undefined
  objects?: string | undefined
  backupBucket?: string | undefined
  backupObjects?: string | undefined
  createTable?: boolean | undefined
  name?: string | undefined
  newStore?: boolean | undefined
  readers?: string | undefined
  storeMb?: string | undefined
  sync?: boolean | undefined
  writers?: string | undefined
  advertise?: string | undefined
  /** Numbers of {@link STORE_SETTINGS}. */
  settings?: Partial<Record<keyof StoreSettings, string>> | undefined
}

export const DEFAULT_DATA = './data'

type Environment = Record<string, string | undefined>

/** Flag, then environment, then default. @throws BorealError `invalid_field` */
export function nodeConfig(flags: NodeFlags, env: Environment): NodeConfig {
  const storeMb = flags.storeMb ?? env.BOREAL_STORE_MB
  return {
    storage: { ...storageOf(flags, env), ...backupsOf(flags, env) },
    name: flags.name ?? env.BOREAL_NAME ?? 'main',
    readers: numberOf('readers', flags.readers ?? env.BOREAL_READERS ?? '1', 0, 16),
    storeLimitBytes: storeMb === undefined ? undefined : numberOf('store-mb', storeMb, 64, 1_000_000) * 1024 * 1024,
    ...storeOptions(storeSettings({ ...flags.settings, ...ownPace(flags, env) }, env)),
    snapshotCodec: oneOf('BOREAL_SNAPSHOT_CODEC', env.BOREAL_SNAPSHOT_CODEC ?? 'none', CODECS),
    newStore: flags.newStore ?? env.BOREAL_NEW_STORE === 'true',
    pollMs: numberOf('BOREAL_POLL_MS', env.BOREAL_POLL_MS ?? '500', 0, 60_000),
    ...writersOf(flags, env),
  }
}

function writersOf(flags: NodeFlags, env: Environment): Pick<NodeConfig, 'writers' | 'endpoint'> {
  const writers = oneOf('writers', flags.writers ?? env.BOREAL_WRITERS ?? 'any', WRITERS)
  const endpoint = flags.advertise ?? env.BOREAL_ENDPOINT
  if (writers === 'any') return { writers, endpoint }
  if ((flags.table ?? env.BOREAL_TABLE) === undefined) {
    const message = 'writers=leased is for several nodes on one --table; the node of a folder is alone with it'
    throw new BorealError('invalid_field', message)
  }
  if (endpoint === undefined || !/^https?:\/\/[^/]+\/?$/.test(endpoint) || !URL.canParse(endpoint)) {
    throw new BorealError(
      'invalid_field',
      'writers=leased needs --advertise (BOREAL_ENDPOINT): the URL at which the other nodes reach this one, as ' +
        `http://10.0.0.7:8080, not ${endpoint ?? 'nothing'}`,
    )
  }
  return { writers, endpoint: new URL(endpoint).origin }
}

/** What functions do elsewhere. */
const FUNCTIONS = [
  'snapshotMinutes',
  'backupMinutes',
  'drillHours',
  'archiveSeconds',
  'trimMinutes',
  'sweepMinutes',
] as const

/** Where functions take snapshots and backups and archive, nodes do not do it as well unless they are told to. */
function ownPace(flags: NodeFlags, env: Environment): Partial<Record<keyof StoreSettings, string>> {
  if ((flags.table ?? env.BOREAL_TABLE) === undefined) return {}
  const unset = FUNCTIONS.filter((name) => (flags.settings?.[name] ?? env[STORE_SETTINGS[name].env]) === undefined)
  return Object.fromEntries(unset.map((name) => [name, '0']))
}

function storeSettings(flags: Partial<Record<keyof StoreSettings, string>>, env: Environment): StoreSettings {
  const values = Object.entries(STORE_SETTINGS).map(
    ([name, { flag, env: variable, least, most, default: byDefault }]) => {
      const given = flags[name as keyof StoreSettings] ?? env[variable]
      return [name, given === undefined ? byDefault : numberOf(flag, given, least, most)]
    },
  )
  return Object.fromEntries(values) as StoreSettings
}

function storageOf(flags: NodeFlags, env: Environment): Storage {
  const table = flags.table ?? env.BOREAL_TABLE
  if (table === undefined) {
    const sync = flags.sync ?? env.BOREAL_SYNC !== 'false'
    return { kind: 'embedded', data: flags.data ?? env.BOREAL_DATA ?? DEFAULT_DATA, sync }
  }
  if (flags.data !== undefined) throw new BorealError('invalid_field', '--data and --table exclude each other')
  const bucket = flags.bucket ?? env.BOREAL_BUCKET
  const objects = flags.objects ?? env.BOREAL_OBJECTS
  if ((bucket === undefined) === (objects === undefined)) {
    throw new BorealError('invalid_field', '--table goes with either --bucket or --objects')
  }
  return {
    kind: 'remote',
    table,
    ...(bucket === undefined ? {} : { bucket }),
    ...(objects === undefined ? {} : { objects }),
    createTable: flags.createTable ?? env.BOREAL_CREATE_TABLE === 'true',
  }
}

function backupsOf(flags: NodeFlags, env: Environment): { backups?: ObjectsPlace } {
  const bucket = flags.backupBucket ?? env.BOREAL_BACKUP_BUCKET
  const folder = flags.backupObjects ?? env.BOREAL_BACKUP_OBJECTS
  if (bucket !== undefined && folder !== undefined) {
    throw new BorealError('invalid_field', '--backup-bucket and --backup-objects exclude each other')
  }
  if (bucket !== undefined) return { backups: { bucket } }
  return folder === undefined ? {} : { backups: { folder } }
}

/** A whole number within limits. @throws BorealError `invalid_field` naming the setting */
export function numberOf(setting: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  throw new BorealError('invalid_field', `${setting} must be a whole number from ${least} to ${most}, not ${text}`)
}

function oneOf<T extends string>(setting: string, text: string, values: readonly T[]): T {
  const found = values.find((value) => value === text)
  if (found !== undefined) return found
  throw new BorealError('invalid_field', `${setting} must be one of ${values.join(', ')}, not ${text}`)
}
