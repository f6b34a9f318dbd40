import { buildIfStale } from '../../bin/prepare.mjs'
import { loadBaseImage } from '../../lib/store/base-image.ts'
import { serversNotice } from './servers-notice.ts'

/** Builds what threads and processes start from, and the base image, once, before the workers start. */
export async function setup(): Promise<void> {
  console.log(serversNotice())
  await buildIfStale()
  await loadBaseImage()
}
