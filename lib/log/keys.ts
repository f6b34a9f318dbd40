/** Keys of the table and of what the log keeps in the object store. Everything starts with the store id. */

/** Slots per partition key. */
export const BUCKET_SIZE = 65_536

/** Partition key of the bucket that holds an LSN. */
export function bucketKey(storeId: string, lsn: number): string {
  return `${storeId}#${Math.floor(lsn / BUCKET_SIZE)
    .toString()
    .padStart(12, '0')}`
}

export function headKey(storeId: string): string {
  return `${storeId}#head`
}

export function registryKey(name: string): string {
  return `registry#${name}`
}

/** An LSN in a key: padded, so that keys sort as LSNs do. */
export function paddedLsn(lsn: number): string {
  return lsn.toString().padStart(16, '0')
}

export function bodiesPrefix(storeId: string): string {
  return `${storeId}/bodies/`
}

/** Key of a body that was too large for its item. Never shared and never reused: it names slot and attempt. */
export function bodyKey(storeId: string, lsn: number, attempt: string): string {
  return `${bodiesPrefix(storeId)}${paddedLsn(lsn)}-${attempt}`
}

/** Key of a frame of a large body, or of one that is staged. */
export function frameKey(prefix: string, index: number): string {
  return `${prefix}/${index.toString().padStart(6, '0')}`
}

/** Where the frames of an entry are staged that has no place yet. */
export function stagePrefix(storeId: string): string {
  return `${storeId}/staged/`
}
