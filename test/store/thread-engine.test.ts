import { expect, test } from 'vitest'
import { ThreadEngine } from '../../lib/store/thread-engine.ts'
import { testImage } from '../support/image.ts'

test('an engine that cannot boot says why', async () => {
  const image = await testImage()
  const broken = { ...image, bytes: new SharedArrayBuffer(1_024) }
  await expect(ThreadEngine.boot(broken)).rejects.toThrow(/could not boot/)
})
