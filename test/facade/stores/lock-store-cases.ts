import { expect, test } from 'vitest'
import type { Storage } from '../../../lib/index.ts'
import { lock } from '../../../lib/model/lock.ts'
import { assertFullyPopulated } from '../../support/fully-populated.ts'
import { refused } from '../../support/refusal.ts'

/** Aurora's AbstractLockStoreTest. */
export function lockStoreCases(storage: Storage): void {
  const jobIn = (role: string) => ({ role, environment: 'prod', name: 'hello' })
  const lockOf = (role: string, token = `token-${role}`) => {
    return { key: { job: jobIn(role) }, token, user: 'ann', timestampMs: 1_478_000_000_000, message: 'deploying' }
  }
  const stored = (record: object) => ({ ...record, version: expect.any(Number) })
  const save = (role: string, token?: string) => storage.write(({ locks }) => locks.save(lockOf(role, token)))
  const remove = (role: string) => storage.write(({ locks }) => locks.remove({ job: jobIn(role) }))
  const fetch = (role: string) => storage.consistentRead(({ locks }) => locks.get(jobIn(role)))
  const list = () => storage.consistentRead(({ locks }) => locks.list())

  test('every lock can be removed [testDeleteAllLocks]', async () => {
    await save('all-1')
    await save('all-2')
    await storage.write(async ({ locks }) => {
      for (const { key } of await locks.list()) locks.remove(key)
    })
    expect(await list()).toEqual([])
  })

  test('locks are saved, listed and removed, each by itself [testLocks]', async () => {
    assertFullyPopulated(lock, lockOf('locks-1'), ['version'])
    await save('locks-1')
    await save('locks-2')
    expect(await list()).toEqual([stored(lockOf('locks-1')), stored(lockOf('locks-2'))])
    await remove('locks-1')
    await remove('locks-1')
    expect(await list()).toEqual([stored(lockOf('locks-2'))])
  })

  test('a job that is locked cannot be locked again [testRepeatedWrite]', async () => {
    await save('repeated')
    await expect(save('repeated')).rejects.toEqual(refused('already_exists'))
    await expect(save('repeated', 'another token')).rejects.toEqual(refused('already_exists'))
    expect(await fetch('repeated')).toEqual(stored(lockOf('repeated')))
  })

  test('a job is locked, released and locked again [testExistingJobKey]', async () => {
    for (const token of ['one', 'two']) {
      await save('again', token)
      expect(await fetch('again')).toEqual(stored(lockOf('again', token)))
      await remove('again')
      expect(await fetch('again')).toBeUndefined()
    }
    await save('again')
    await storage.write(({ locks }) => {
      locks.remove({ job: jobIn('again') })
      locks.save(lockOf('again', 'in one transaction'))
    })
    expect((await fetch('again'))?.token).toBe('in one transaction')
  })

  test('a lock is found by its job, and by no other [testGetLock]', async () => {
    expect(await fetch('get-1')).toBeUndefined()
    await save('get-1')
    expect(await fetch('get-1')).toEqual(stored(lockOf('get-1')))
    expect(await fetch('get-2')).toBeUndefined()
    await save('get-2')
    expect(await fetch('get-2')).toEqual(stored(lockOf('get-2')))
    await remove('get-1')
    expect(await fetch('get-1')).toBeUndefined()
    expect(await fetch('get-2')).toEqual(stored(lockOf('get-2')))
  })

  test('two locks cannot have one token [testDuplicateToken]', async () => {
    await save('token-1', 'the token')
    await expect(save('token-2', 'the token')).rejects.toEqual(refused('already_exists'))
    expect(await fetch('token-2')).toBeUndefined()
    await remove('token-1')
    await save('token-2', 'the token')
    expect((await fetch('token-2'))?.token).toBe('the token')
  })
}
