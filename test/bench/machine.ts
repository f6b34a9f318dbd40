import { statfsSync } from 'node:fs'
import { arch, cpus, platform, release, totalmem } from 'node:os'
import manifest from '../../package.json' with { type: 'json' }
import type { Peers } from './systems/peers.ts'

/** Where and on what a run was made. */
export interface Machine {
  date: string
  boreal: string
  node: string
  system: string
  cores: number
  processor: string
  memoryGb: number
  /** Kind of file system that was written to, by its number; on one in memory a sync costs nothing. */
  disk: string
  rqlite?: string
  postgres?: string
  h2?: string
  missing: string[]
}

const FILE_SYSTEMS: Record<number, string> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  2035054128: 'overlay',
  16914836: 'tmpfs: in memory, figures of synced writes are worth nothing',
}

export function machineFacts(folder: string, peers: Peers): Machine {
  const { type } = statfsSync(folder)
  return {
    date: new Date().toISOString(),
    boreal: manifest.version,
    node: process.version,
    system: `${platform()} ${release()} ${arch()}`,
    cores: cpus().length,
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    disk: FILE_SYSTEMS[type] ?? `file system 0x${type.toString(16)}`,
    ...(peers.rqlite === undefined ? {} : { rqlite: peers.rqlite.version }),
    ...(peers.postgres === undefined ? {} : { postgres: peers.postgres.version }),
    ...(peers.h2 === undefined ? {} : { h2: peers.h2.version }),
    missing: peers.missing,
  }
}
