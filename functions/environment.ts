import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The bundle has a base image beside its modules; a cold start that ran initdb would take seconds longer. */
const IMAGES = join(dirname(fileURLToPath(import.meta.url)), 'base')

/** Settings that a bundle implies. To be called before anything is started. */
export function useBundle(): void {
  if (existsSync(IMAGES)) process.env.BOREAL_CACHE ??= IMAGES
  // The versions are pinned; that later ones will want a newer Node is nothing an operator can act on.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
}
