import { expect, test } from 'vitest'
import { ThreadEngine } from '../../lib/store/thread-engine.ts'
import { testImage } from '../support/image.ts'

test('a thread that cannot boot is tried again, heard of each time, and given up with its reason', async () => {
  const image = await testImage()
  const heard: string[] = []
  const broken = { ...image, bytes: new SharedArrayBuffer(1_024) }
  await expect(ThreadEngine.boot(broken, (reason) => heard.push(reason))).rejects.toThrow(/could not boot/)
  expect(heard).toHaveLength(2)
})
