import { expect, test } from 'vitest'
import { partsInMemory } from '../../lib/store/image-parts.ts'
import { ThreadEngine } from '../../lib/store/thread-engine.ts'
import { testImage } from '../support/image.ts'

test('an engine that cannot boot says why', async () => {
  const image = await testImage()
  const broken = { ...image, parts: partsInMemory(new Uint8Array(1_024)) }
  await expect(ThreadEngine.boot(broken)).rejects.toThrow(/could not boot/)
})
