import { IMAGE_PART_BYTES } from './image-parts.ts'

/**
 * Settings of every engine. The store is volatile (the log is the truth), so nothing waits for a disk; there are no
 * background workers to configure.
 *
 * Files grow by being written, not by being allocated: in the engine's file system allocating copies the whole file, for every
 * half megabyte that a table grows. In a table of 30 MB rows that were added in bulk took 90 µs each, and take 20. Segments of
 * Postgres' own log are not filled with zeros first, which is done for disks: a megabyte for every few hundred transactions.
 */
export const POSTGRES_CONF = [
  'max_connections=2',
  'wal_level=minimal',
  'max_wal_senders=0',
  'wal_buffers=1MB',
  'min_wal_size=2MB',
  'max_wal_size=32MB',
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'autovacuum=off',
  'jit=off',
  'work_mem=8MB',
  'maintenance_work_mem=32MB',
  'file_extend_method=write_zeros',
  'wal_init_zero=off',
  'timezone=UTC',
].join('\n')

/** initdb: small WAL segments, or an empty store carries 16 MB of them. */
export const INITDB_PARAMS = ['--wal-segsize=1']

const MB = 1024 * 1024
const LEAST_BUFFERS_MB = 64
const MOST_BUFFERS_MB = 128
/** Of the image. */
const BUFFERS_SHARE = 1 / 5

/**
 * The settings of an engine that boots from an image of so many parts. Buffers are small, because the data folder is
 * memory already, but they grow with it, or pages go back and forth between files and buffers: on a store of 700 MB an
 * event of a replay cost 370 µs with 16 MB, 220 with 64 and no less with 256 than with 128. A store that begins empty grows
 * out of 16 MB at some 25,000 tasks: behind 60,000, another 200 took 17 ms instead of 10.9 with 64 MB. What is not used yet
 * takes no memory.
 */
export function postgresConf(imageParts: number): string {
  const wanted = Math.floor((imageParts * IMAGE_PART_BYTES * BUFFERS_SHARE) / MB)
  const buffers = Math.min(MOST_BUFFERS_MB, Math.max(LEAST_BUFFERS_MB, wanted))
  return `${POSTGRES_CONF}\nshared_buffers=${buffers}MB`
}
