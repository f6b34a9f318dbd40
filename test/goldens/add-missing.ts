import { expect, test } from 'vitest'
import { LOG_FORMAT } from '../../lib/log/event-log.ts'
import { loadMigrations } from '../../lib/store/migrations.ts'
import { addGolden, eventName, goldenNames, hasGolden, readGolden } from './golden-files.ts'
import { envelopesOf, type GoldenLog, goldenLog, readLog, stateAfter } from './golden-log.ts'
import { rowsAfter } from './golden-rows.ts'
import { type StoredEvent, storedEvents, writtenLog } from './written-events.ts'

/** `npm run goldens`: adds what is missing and says so; refuses when one that is there would have to change. */
test('adds the goldens that are missing', async () => {
  const added: string[] = []
  const add = (name: string, value: unknown) => {
    if (addGolden(name, value)) added.push(name)
  }
  const items = await writtenLog()
  for (const event of storedEvents(items)) add(eventName(event), event)
  for (const name of goldenNames('events')) {
    if (!hasGolden(`${name}.rows`)) add(`${name}.rows`, await rowsAfter(readGolden<StoredEvent>(name)))
  }
  const format = `entries/format-${LOG_FORMAT}`
  if (!hasGolden(format)) {
    const golden = goldenLog(items)
    add(format, golden)
    add(`${format}.envelopes`, envelopesOf((await readLog(golden)).entries))
  }
  const schema = `schema-${loadMigrations().length}`
  for (const name of goldenNames('entries')) {
    if (hasGolden(`${name}.${schema}`)) continue
    const { log, entries } = await readLog(readGolden<GoldenLog>(name))
    add(`${name}.${schema}`, await stateAfter(log, entries, 1))
  }
  console.log(added.length === 0 ? 'no golden is missing' : `added:\n${added.map((name) => `  ${name}`).join('\n')}`)
  expect(goldenNames('events')).not.toEqual([])
})
