import * as z from 'zod'

/** What the lists of snapshots and of backups say of the state that one holds; nothing when its document is unreadable. */
export const keptState = {
  takenAt: z.int().optional(),
  entryTime: z.int().optional().describe('time of the last entry that it has'),
  schemaVersion: z.int().optional(),
  digest: z.string().optional().describe('state digest at its LSN'),
}

interface KeptState {
  takenAt: number
  entryTime: number
  schemaVersion: number
  digest: string
}

export function keptStateOf(document: KeptState | undefined): Partial<KeptState> {
  if (document === undefined) return {}
  const { takenAt, entryTime, schemaVersion, digest } = document
  return { takenAt, entryTime, schemaVersion, digest }
}
