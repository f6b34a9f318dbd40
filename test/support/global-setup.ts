import { buildIfStale } from '../../bin/prepare.mjs'
import { loadBaseImage } from '../../lib/store/base-image.ts'

/** Builds what threads and processes start from, and the base image, once, before the workers start. */
export async function setup(): Promise<void> {
  await buildIfStale()
  await loadBaseImage()
}
