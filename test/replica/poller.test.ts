import { expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { Poller } from '../../lib/replica/poller.ts'
import { Tail } from '../../lib/replica/tail.ts'
import { ManualRuntime } from '../support/manual-runtime.ts'

function polled(isPushed: () => boolean) {
  const runtime = new ManualRuntime()
  // The poller wakes whenever somebody lets time pass.
  let wake = () => {}
  const slept: number[] = []
  const sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      slept.push(ms)
      wake = () => {
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      signal?.addEventListener('abort', wake)
    })
  let looks = 0
  const probe = async () => {
    looks++
    return 7
  }
  const tail = new Tail({ lsn: 7, probe, exclusive: false, monotonic: runtime.monotonic })
  const options = { tail, logger: silentLogger, intervalMs: () => 500, isPushed }
  const poller = new Poller({ ...options, runtime: { ...systemRuntime, monotonic: runtime.monotonic, sleep } })
  onTestFinished(() => poller.stop())
  return {
    tail,
    slept,
    /** Lets so much time pass, and gives how often the log was asked in it. */
    async pass(ms: number): Promise<number> {
      const before = looks
      runtime.elapse({ wall: ms, monotonic: ms })
      wake()
      await new Promise((resolve) => setImmediate(resolve))
      return looks - before
    },
  }
}

test('the log is asked when nothing else tells where it ends', async () => {
  const { pass, tail } = polled(() => false)
  expect(await pass(500)).toBe(1)
  expect(await pass(1_000)).toBe(1)
  tail.learn(8)
  expect(await pass(100)).toBe(0)
})

test('while entries are pushed it is asked rarely, and at once when they are not', async () => {
  let pushed = true
  const { pass, tail, slept } = polled(() => pushed)
  let looks = 0
  for (let seconds = 0; seconds < 60; seconds++) {
    tail.hear(7, 0)
    looks += await pass(1_000)
  }
  expect(looks).toBeLessThanOrEqual(2)
  expect(looks).toBeGreaterThan(0)
  await pass(500)
  pushed = false
  expect(slept.at(-1)).toBe(500)
  expect(await pass(500)).toBe(1)
})

test('who pushes and has not known for long where the log ends is not relied on', async () => {
  const { pass, tail } = polled(() => true)
  for (let ageMs = 0; ageMs < 4_000; ageMs += 500) {
    tail.hear(7, ageMs)
    expect(await pass(500)).toBe(0)
  }
  expect(await pass(1_500)).toBe(1)
})
