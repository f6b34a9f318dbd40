import { type BaseImage, loadBaseImage } from '../../lib/store/base-image.ts'

let image: Promise<BaseImage> | undefined

/** The base image, loaded once per worker. */
export function testImage(): Promise<BaseImage> {
  image ??= loadBaseImage()
  return image
}
