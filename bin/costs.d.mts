export const REQUESTS: Record<
  'write' | 'consistentRead' | 'idleSnapshot' | 'idleArchive' | 'idleTrim' | 'idleSweep',
  Record<string, number>
>
export function costTable(): string
export function costs(
  profile: 'small' | 'busy',
  writes: number,
): { items: Record<string, number>; total: number; writeUnitsPerSecond: number }
