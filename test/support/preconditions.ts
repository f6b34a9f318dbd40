import { describe, expect, test } from 'vitest'
import type { TestApi } from './test-api.ts'

/** Whether preconditions hold: asks with a transaction that does nothing else. Gives what failed, or undefined. */
export async function failedPreconditions(api: TestApi, preconditions: unknown[]): Promise<unknown[] | undefined> {
  const { status, body } = await api.transact([], { preconditions })
  if (status === 200) return undefined
  expect([status, body.code, body.title], JSON.stringify(body)).toEqual([
    409,
    'precondition_failed',
    'Precondition failed',
  ])
  return body.failed
}

/** An entity, the key of one under a name of the test's own, and how it comes to be; gives its version. */
type EntityCase = readonly [string, (id: string) => string, (id: string) => Promise<number>]

/** What holds for every entity that has a key. */
export function describePreconditions(
  entities: readonly EntityCase[],
  failed: (...preconditions: unknown[]) => Promise<unknown[] | undefined>,
): void {
  describe.each(entities)('%s', (entity, keyOf, create) => {
    test('version holds for exactly the version that is there', async () => {
      const key = keyOf(`version-${entity}`)
      expect(await failed({ entity, key, version: 1 })).toEqual([
        { index: 0, expected: { version: 1 }, found: { absent: true } },
      ])
      const version = await create(`version-${entity}`)
      expect(await failed({ entity, key, version })).toBeUndefined()
      for (const other of [version - 1, version + 1]) {
        expect(await failed({ entity, key, version: other })).toEqual([
          { index: 0, expected: { version: other }, found: { version } },
        ])
      }
    })

    test('exists and absent hold for what is there and what is not', async () => {
      const key = keyOf(`exists-${entity}`)
      expect(await failed({ entity, key, absent: true })).toBeUndefined()
      expect(await failed({ entity, key, exists: true })).toEqual([
        { index: 0, expected: { exists: true }, found: { absent: true } },
      ])
      const version = await create(`exists-${entity}`)
      expect(await failed({ entity, key, exists: true })).toBeUndefined()
      expect(await failed({ entity, key, absent: true })).toEqual([
        { index: 0, expected: { absent: true }, found: { version } },
      ])
    })

    test('the whole entity is unchanged since its last change anywhere, and not longer', async () => {
      const version = await create(`anywhere-${entity}`)
      expect(await failed({ entity, scope: {}, unchangedSince: version })).toBeUndefined()
      expect(await failed({ entity, scope: {}, unchangedSince: version - 1 })).toEqual([
        { index: 0, expected: { unchangedSince: version - 1 }, found: { changed: version } },
      ])
    })
  })
}
