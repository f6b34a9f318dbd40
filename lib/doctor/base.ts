import { type BaseImage, loadBaseImage } from '../store/base-image.ts'

let loaded: Promise<BaseImage> | undefined

/** The empty store of this build, loaded when somebody needs it. */
export function baseImage(): Promise<BaseImage> {
  loaded ??= loadBaseImage()
  return loaded
}
