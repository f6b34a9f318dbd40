import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import type { StoredEvent } from './written-events.ts'

/**
 * The golden files: what some build has written, kept for ever. Nothing here changes or removes one.
 *
 * `events/<kind>.v<version>.json` is an event as the log holds it, `….rows.json` beside it the rows that applying it
 * gives. `entries/format-<n>.json` is a log as the table and the object store hold it, with what its
 * transactions say besides their events (`….envelopes.json`) and the state that it gives under a schema
 * (`….schema-<n>.json`).
 */
const FOLDER = dirname(fileURLToPath(import.meta.url))

/** What to do when a golden does not fit any more. */
export const HOW_TO = `

What the log holds has changed its shape or meaning. Logs that were written before must be read for ever, and older
builds may still run next to this one. So do not change the golden:
  1. Give the event a new version with an upcaster from the one before, and leave the written shape alone.
  2. Keep the golden and its rows as they are; npm run goldens adds those of the new version.
  3. The first release only reads the new version and goes on writing the old one.
  4. Nodes write the new version after the store was finalized (boreal upgrade finalize).
CONTRIBUTING.md, "Add an event version", has the whole list. If only a record of the tests has changed, change it back,
or put the new value where the goldens do not see it (test/goldens/operations.ts).
`

export function readGolden<T>(name: string, folder = FOLDER): T {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as T
}

export function hasGolden(name: string, folder = FOLDER): boolean {
  return existsSync(join(folder, `${name}.json`))
}

/**
 * Adds a golden that is missing; says whether it was.
 *
 * @throws when there is one that says something else: it is never overwritten
 */
export function addGolden(name: string, value: unknown, folder = FOLDER): boolean {
  const text = `${JSON.stringify(value, null, 2)}\n`
  if (hasGolden(name, folder)) {
    if (isDeepStrictEqual(readGolden(name, folder), JSON.parse(text))) return false
    throw new Error(`golden ${name} is not what would be written today.${HOW_TO}`)
  }
  mkdirSync(dirname(join(folder, name)), { recursive: true })
  writeFileSync(join(folder, `${name}.json`), text, { flag: 'wx' })
  return true
}

export function eventName({ event, v }: StoredEvent): string {
  return `events/${event}.v${v}`
}

/** Names of the goldens below a folder, without those that lie beside another one. */
export function goldenNames(below: 'events' | 'entries'): string[] {
  if (!existsSync(join(FOLDER, below))) return []
  return readdirSync(join(FOLDER, below))
    .filter((file) => /^[\w-]+(\.v\d+)?\.json$/.test(file))
    .map((file) => `${below}/${file.slice(0, -'.json'.length)}`)
    .sort()
}
