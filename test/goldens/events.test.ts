import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { currentVersion, EVENT_REGISTRY, upcastEvent } from '../../lib/model/event-registry.ts'
import { operation } from '../../lib/model/operations.ts'
import { assertFullyPopulated } from '../support/fully-populated.ts'
import { addGolden, eventName, goldenNames, HOW_TO, hasGolden, readGolden } from './golden-files.ts'
import { knownTo, type Rows, rowsAfter } from './golden-rows.ts'
import { FULL_TRANSACTIONS, IGNORED_FIELDS } from './operations.ts'
import { type StoredEvent, storedEvents, writtenLog } from './written-events.ts'

const GOLDENS = goldenNames('events')
const written = storedEvents(await writtenLog(afterAll))

/** Every path of a value with the type of what is there; the items of a list count as one. */
function shapeOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [`${path}: ${value === null ? 'null' : typeof value}`]
  const below = Array.isArray(value)
    ? value.flatMap((item) => shapeOf(item, `${path}[]`))
    : Object.entries(value).flatMap(([name, item]) => shapeOf(item, `${path}.${name}`))
  return [...new Set([`${path}: ${Array.isArray(value) ? 'list' : 'object'}`, ...below])].sort()
}

function deepFrozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null)
    for (const item of Object.values(Object.freeze(value))) deepFrozen(item)
  return value
}

describe('the golden events', () => {
  test('are of every kind, and of every version of it', () => {
    const expected = [...EVENT_REGISTRY.keys()].flatMap((event) =>
      Array.from({ length: currentVersion(EVENT_REGISTRY, event)! }, (_, index) => eventName({ event, v: index + 1 })),
    )
    expect(GOLDENS, 'npm run goldens adds those of the versions that are written').toEqual(expected.sort())
  })

  test.each(GOLDENS)('are upcast without being changed, to the current version: %s', (name) => {
    const golden = deepFrozen(readGolden<StoredEvent>(name))
    expect(eventName(golden)).toBe(name)
    const event = upcastEvent(golden)
    expect([event.event, event.v]).toEqual([golden.event, currentVersion(EVENT_REGISTRY, golden.event)])
    expect(upcastEvent(golden)).toEqual(event)
  })

  test.each(GOLDENS)('give the rows that they gave when they were written: %s', async (name) => {
    const expected = readGolden<Rows>(`${name}.rows`)
    const rows = await rowsAfter(readGolden<StoredEvent>(name))
    expect(knownTo(expected, rows), HOW_TO).toEqual(expected)
  })
})

describe('what the writer writes today', () => {
  test('comes of operations with every field that there is', () => {
    const schemas = new Map(operation.options.map((option) => [option.shape.op.value as string, option as z.ZodType]))
    for (const each of FULL_TRANSACTIONS.flat()) {
      const check = () => assertFullyPopulated(schemas.get(each.op)!, each, IGNORED_FIELDS)
      expect(check, `${each.op} in test/goldens/operations.ts.${HOW_TO}`).not.toThrow()
    }
  })

  test('is of every kind, and each has its golden', () => {
    expect(written.map(({ event }) => event).sort()).toEqual([...EVENT_REGISTRY.keys()].sort())
    for (const event of written) expect(hasGolden(eventName(event)), `${eventName(event)}: npm run goldens`).toBe(true)
  })

  test.each([...EVENT_REGISTRY.keys()])('has the shape of its golden, and says the same: %s', (kind) => {
    for (const event of written.filter((each) => each.event === kind)) {
      const golden = readGolden<StoredEvent>(eventName(event))
      expect(shapeOf(event), HOW_TO).toEqual(shapeOf(golden))
      expect(event, HOW_TO).toEqual(golden)
    }
  })
})

test('a golden that is there is never written again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'boreal-goldens-'))
  expect(addGolden('events/made.v1', { event: 'made', v: 1 }, folder)).toBe(true)
  const file = join(folder, 'events/made.v1.json')
  writeFileSync(file, ' {"v":1,"event":"made"}')
  expect(addGolden('events/made.v1', { event: 'made', v: 1 }, folder)).toBe(false)
  expect(() => addGolden('events/made.v1', { event: 'made', v: 1, more: true }, folder)).toThrow('Give the event a new')
  expect(readFileSync(file, 'utf8')).toBe(' {"v":1,"event":"made"}')
})
