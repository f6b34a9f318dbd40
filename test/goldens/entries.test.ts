import { afterAll, describe, expect, test } from 'vitest'
import { LOG_FORMAT } from '../../lib/log/event-log.ts'
import { EVENT_REGISTRY } from '../../lib/model/event-registry.ts'
import { loadMigrations } from '../../lib/store/migrations.ts'
import { goldenNames, HOW_TO, hasGolden, readGolden } from './golden-files.ts'
import { type Envelope, envelopesOf, type GoldenLog, goldenLog, itemsOf, readLog, stateAfter } from './golden-log.ts'
import { storedEvents, writtenLog } from './written-events.ts'

const FORMATS = Array.from({ length: LOG_FORMAT }, (_, index) => `entries/format-${index + 1}`)
const SCHEMA = loadMigrations().length
const today = goldenLog(await writtenLog(afterAll))

test('there is a golden log of every format, and a digest of each for the schema of today', () => {
  const logs = goldenNames('entries').filter((name) => /format-\d+$/.test(name))
  expect(logs).toEqual(FORMATS)
  for (const name of logs) expect(hasGolden(`${name}.schema-${SCHEMA}`), 'npm run goldens adds it').toBe(true)
})

describe.each(FORMATS)('the golden log %s', (name) => {
  const golden = readGolden<GoldenLog>(name)
  const items = itemsOf(golden)

  test('has bodies of every codec, in the item and beside it', () => {
    const places = items.map(({ codec, bodyKey }) => `${codec}${bodyKey === undefined ? '' : ' beside'}`)
    expect([...new Set(places)].sort()).toEqual(['deflate', 'deflate beside', 'json', 'json beside', 'none'])
  })

  test('is read to its end: dense, chained and unharmed, every transaction as it was written', async () => {
    const { entries } = await readLog(golden)
    expect(entries.map(({ lsn }) => lsn)).toEqual(items.slice(1).map(({ lsn }) => lsn))
    expect(entries.map(({ hash }) => hash)).toEqual(items.slice(1).map(({ hash }) => hash))
    expect(envelopesOf(entries), HOW_TO).toEqual(readGolden<Envelope[]>(`${name}.envelopes`))
  })

  test('gives the state that it gave when it was written, in one step and one by one', async () => {
    const { log, entries } = await readLog(golden)
    const expected = readGolden<object>(`${name}.schema-${SCHEMA}`)
    for (const size of [entries.length, 1]) expect(await stateAfter(log, entries, size), HOW_TO).toEqual(expected)
  })
})

describe('the log that is written today', () => {
  const golden = readGolden<GoldenLog>(`entries/format-${LOG_FORMAT}`)

  test('has items with the attributes of its golden, under the same keys', () => {
    const shapes = ({ items }: GoldenLog) =>
      new Set(
        items.map((item) => String(Object.entries(item).map(([name, value]) => `${name}: ${Object.keys(value)}`))),
      )
    expect(shapes(today), HOW_TO).toEqual(shapes(golden))
    const keys = ({ items }: GoldenLog) => items.slice(0, golden.items.length).map(({ pk, sk }) => ({ pk, sk }))
    expect(keys(today), HOW_TO).toEqual(keys(golden))
    const bodies = ({ bodies }: GoldenLog) => Object.keys(bodies).map((key) => key.replace(/-\w+$/, '-<attempt>'))
    expect(bodies(today), HOW_TO).toEqual(bodies(golden))
  })

  test('has every kind of event', () => {
    const events = storedEvents(itemsOf(today).map((item) => ({ ...item, ...bodyOf(today, item.bodyKey) })))
    expect(new Set(events.map(({ event }) => event))).toEqual(new Set(EVENT_REGISTRY.keys()))
  })

  test('says of every transaction what its golden says', async () => {
    // Ids come in the order in which a node needs them; keys, reasons and requests are those of the test.
    const known = ({ id, key, reason, request, ...envelope }: Envelope) => ({
      ...envelope,
      more: [typeof id, typeof key, typeof reason, request?.length],
    })
    const { entries } = await readLog(today)
    const says = envelopesOf(entries).map(known)
    for (const envelope of readGolden<Envelope[]>(`entries/format-${LOG_FORMAT}.envelopes`)) {
      expect(says, HOW_TO).toContainEqual(known(envelope))
    }
  })

  test('has the genesis item of its golden, hash included', () => {
    expect(today.items[0], HOW_TO).toEqual(golden.items[0])
  })
})

function bodyOf({ bodies }: GoldenLog, key: string | undefined): { body?: Uint8Array } {
  return key === undefined ? {} : { body: Buffer.from(bodies[key]!, 'base64') }
}
