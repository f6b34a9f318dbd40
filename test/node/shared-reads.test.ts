import { expect, test } from 'vitest'
import { type Runtime, systemRuntime } from '../../lib/model/runtime.ts'
import { SharedReads } from '../../lib/node/shared-reads.ts'

/** Reads of one thing that several ask for. */

/** However slow the machine is, nothing here takes long enough for a rest. */
const stoppedClock: Runtime = { ...systemRuntime, monotonic: () => 0 }

/** Reads that end when they are told to; each gives its number. */
function reads() {
  const ends: { give(): void; fail(): void }[] = []
  const begin = () => {
    const number = ends.length + 1
    return new Promise<number>((resolve, reject) => {
      ends.push({ give: () => resolve(number), fail: () => reject(new Error(`read ${number} failed`)) })
    })
  }
  return { ends, begin }
}

test('who asks while a read is on its way shares one that begins after it', async () => {
  const shared = new SharedReads(stoppedClock)
  const { ends, begin } = reads()
  const first = shared.read('a', begin)
  const others = [shared.read('a', begin), shared.read('a', begin)]
  expect(ends.length).toBe(1)
  ends[0]!.give()
  expect(await first).toBe(1)
  const late = shared.read('a', begin)
  expect(ends.length).toBe(2)
  ends[1]!.give()
  expect(await Promise.all(others)).toEqual([2, 2])
  ends[2]!.give()
  expect(await late).toBe(3)
  const alone = shared.read('a', begin)
  ends[3]!.give()
  expect(await alone).toBe(4)
})

test('what is something else is not shared', async () => {
  const shared = new SharedReads(stoppedClock)
  const { ends, begin } = reads()
  const both = [shared.read('a', begin), shared.read('b', begin)]
  for (const end of ends) end.give()
  expect(await Promise.all(both)).toEqual([1, 2])
})

test('a read that fails is the failure of those who share it alone', async () => {
  const shared = new SharedReads(stoppedClock)
  const { ends, begin } = reads()
  const first = shared.read('a', begin)
  const others = [shared.read('a', begin), shared.read('a', begin)]
  ends[0]!.fail()
  await expect(first).rejects.toThrow('read 1 failed')
  ends[1]!.fail()
  for (const other of others) await expect(other).rejects.toThrow('read 2 failed')
  const next = shared.read('a', begin)
  ends[2]!.give()
  expect(await next).toBe(3)
})

/** The rest that is left between two reads of which the first takes so long. */
async function restBehind(ms: number): Promise<number> {
  let now = 0
  let slept = 0
  const sleep = async (rest: number) => {
    slept += rest
  }
  const shared = new SharedReads({ ...systemRuntime, monotonic: () => now, sleep })
  const { ends, begin } = reads()
  const first = shared.read('a', begin)
  const second = shared.read('a', begin)
  now += ms
  ends[0]!.give()
  await first
  await expect.poll(() => ends.length).toBe(2)
  ends[1]!.give()
  expect(await second).toBe(2)
  return slept
}

test('behind a read that took its time the store is left to others for a while, but not for long', async () => {
  expect(await restBehind(2)).toBe(0)
  expect(await restBehind(20)).toBe(80)
  expect(await restBehind(10_000)).toBe(250)
})

test('who reads alone waits for nobody', async () => {
  let now = 0
  const sleep = () => Promise.reject(new Error('there is nobody to rest for'))
  const shared = new SharedReads({ ...systemRuntime, monotonic: () => now, sleep })
  for (let number = 1; number <= 3; number++) {
    const read = async () => {
      now += 100
      return number
    }
    expect(await shared.read('a', read)).toBe(number)
  }
})
