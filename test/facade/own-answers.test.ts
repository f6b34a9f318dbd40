import { expect, test } from 'vitest'
import { fullUpdate, UpdateStore, updateKey } from '../support/job-updates.ts'
import { describeStorages } from '../support/storages.ts'

describeStorages('answers', ({ storage }) => {
  const store = new UpdateStore(storage)

  test('are the own of whoever asked: what one does to them is not seen by others, nor by later reads', async () => {
    const key = updateKey('own-answers')
    await store.save(fullUpdate(key))
    await store.instanceEvent(key, 1, 1)
    const before = structuredClone(await store.details(key))
    for (let times = 0; times < 3; times++) {
      const details = (await store.details(key))!
      expect(details).toEqual(before)
      details.update.summary.user = 'nobody'
      details.update.instructions.initialState = []
      details.instanceEvents.pop()
      delete details.version
    }
  })
})
