import { loadBaseImage } from '../../lib/store/base-image.ts'

/** Builds the base image once, before the workers start. */
export async function setup(): Promise<void> {
  await loadBaseImage()
}
