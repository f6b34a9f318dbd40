import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The built file of a thread's entry: beside this module in a build, in dist/ when the sources run (tests). */
export function threadEntry(name: string): URL {
  const beside = new URL(`./${name}.js`, import.meta.url)
  return existsSync(fileURLToPath(beside)) ? beside : new URL(`../../dist/${name}.js`, import.meta.url)
}
