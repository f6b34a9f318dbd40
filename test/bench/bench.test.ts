import { expect, test } from 'vitest'
import { chartsOf } from './charts.ts'
import { type Figure, median, Samples, short } from './figures.ts'
import { latencies, load } from './load.ts'
import { svgOf } from './plot.ts'
import { caseText, digits, verdictText } from './report.ts'
import { benchTask, benchTasks, CONFIGS } from './tasks.ts'
import { MEASURES, verdicts } from './verdict.ts'

/** What can be proven about a benchmark without measuring: that it counts, judges and draws rightly. */

function figure(name: string, variant: string, system: string, value: number, more: Partial<Figure> = {}): Figure {
  return { case: name, variant, system, value, unit: '/s', rounds: [value], ...more }
}

test('latencies are those of the sorted times', () => {
  const times = Array.from({ length: 1_000 }, (_, index) => 1_000 - index)
  expect(latencies(times)).toEqual({ p50: 501, p99: 991, max: 1_000 })
  expect(latencies([7])).toEqual({ p50: 7, p99: 7, max: 7 })
})

test('the median of an even number of rounds lies between the two in the middle', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 2, 3])).toBe(2.5)
})

test('a figure is the median of its rounds, its longest time the longest of all', () => {
  const samples = new Samples('write')
  const label = { variant: '1 client', system: 'boreal', unit: '/s' }
  samples.add(label, { value: 10, p50: 1, max: 5 })
  samples.add(label, { value: 30, p50: 3, max: 9 })
  samples.add(label, { value: 20, p50: 2, max: 7 })
  samples.add({ ...label, system: 'rqlite' }, { value: 5 })
  expect(samples.figures()).toEqual([
    { case: 'write', ...label, value: 20, rounds: [10, 30, 20], p50: 2, max: 9 },
    { case: 'write', ...label, system: 'rqlite', value: 5, rounds: [5] },
  ])
})

test('a load counts what ends in its window, and ends with the first failure', async () => {
  const slow = () => new Promise((resolve) => setTimeout(resolve, 10))
  const { rate, p50 } = await load(4, slow, { durationMs: 200, warmupMs: 0 })
  expect(rate).toBeGreaterThan(100)
  expect(rate).toBeLessThanOrEqual(400)
  expect(p50).toBeGreaterThan(9)
  const failing = load(4, () => Promise.reject(new Error('no')), { durationMs: 60_000 })
  await expect(failing).rejects.toThrow('no')
})

test('a task is made from its number alone, and configs are shared', () => {
  expect(benchTask(5)).toEqual(benchTasks(0, 10)[5])
  expect(benchTask(5).configId).toBe(benchTask(5 + CONFIGS).configId)
  expect(new Set(benchTasks(0, CONFIGS).map(({ configId }) => configId)).size).toBe(CONFIGS)
  const { config, events } = benchTask(123)
  expect(config.length).toBeGreaterThan(900)
  expect(config.length).toBeLessThan(1_200)
  expect(JSON.parse(events)).toHaveLength(3)
})

const SIZES = [10_000, 1_000_000]

test('a ratio is judged by floor and goal, in its sense', () => {
  const figures = [
    figure('write', '64 clients', 'boreal', 1_200),
    figure('write', '64 clients', 'boreal, no keys', 1_500),
    figure('write', '64 clients', 'rqlite', 1_000),
    figure('write', '64 clients', 'rqlite, keys', 2_000),
    figure('delay', '5 ms, 1 client', 'boreal', 0, { p50: 6 }),
    figure('delay', '5 ms, 1 client', 'delay alone', 0, { p50: 5 }),
    figure('stored', '1M tasks', 'boreal', 700),
    figure('stored', '10k tasks', 'boreal', 1_000),
  ]
  const found = verdicts(figures, SIZES)
  const of = (text: string) => found.find(({ name }) => name.includes(text))!
  expect(of('64 clients, against rqlite')).toMatchObject({ found: 1.5, floorMet: true, goalMet: false })
  // Like is compared with like.
  expect(found[1]).toMatchObject({ name: 'the same, both with keys', found: 0.6, floorMet: false })
  expect(of('1 client, append delay 5 ms')).toMatchObject({ found: 1.2, floorMet: true, goalMet: true })
  expect(of('most tasks stored')).toMatchObject({ found: 0.7, floorMet: false, goalMet: false })
  // A peer that is missing leaves a place empty; it is neither met nor missed.
  expect(of('256 clients').found).toBeUndefined()
  const text = verdictText(found)
  expect(text).toMatch(/most tasks stored.*BELOW FLOOR/)
  expect(text.split('\n').filter((line) => line.includes('not measured'))).toHaveLength(MEASURES.length - 4)
})

test('no goal is easier than its floor', () => {
  for (const { name, sense, floor, goal } of MEASURES) {
    expect(sense === '>=' ? goal >= floor : goal <= floor, name).toBe(true)
  }
})

test('a table says every figure, and systems of a variant stand together', () => {
  const figures = [
    figure('write', 'a', 'x', 12_345.6),
    figure('write', 'b', 'x', 1),
    figure('write', 'a', 'y', 0.01234),
  ]
  const lines = caseText({ title: 'T', about: 'A' }, figures)
    .split('\n')
    .filter((line) => line.includes('/s'))
  expect(lines.map((line) => line.split(/\s+/).slice(0, 3))).toEqual([
    ['a', 'x', '12,346'],
    ['', 'y', '0.0123'],
    ['b', 'x', '1'],
  ])
})

test('numbers have the digits that matter', () => {
  expect([1_234.5, 12.345, 1.2345, 0.0012345, 0, 999.96].map(digits)).toEqual([
    '1,235',
    '12.3',
    '1.23',
    '0.0012',
    '0',
    '1,000',
  ])
  expect([100, 10_000, 1_000_000].map(short)).toEqual(['100', '10k', '1M'])
})

test('charts hold what was measured and are drawn as well-formed SVG', () => {
  const figures = [
    figure('write', '1 client', 'boreal', 100),
    figure('write', '1 client', 'rqlite', 200),
    figure('write', '64 clients', 'boreal', 3_000),
    figure('restart', '10k tasks', 'h2', 2, { unit: 's' }),
  ]
  const charts = chartsOf(figures, SIZES)
  expect(charts.map(({ name, categories }) => [name, categories])).toEqual([
    ['writes', ['1 client', '64 clients']],
    ['restart', ['10k, a tail']],
  ])
  expect(charts[0]!.series).toEqual([
    { system: 'boreal', values: [100, 3_000] },
    { system: 'rqlite', values: [200, undefined] },
  ])
  for (const chart of charts) expect(unclosed(svgOf(chart))).toEqual([])
})

/** Elements of an SVG that are not closed in order. */
function unclosed(svg: string): string[] {
  expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/)
  expect(svg).not.toMatch(/NaN|undefined|null/)
  const open: string[] = []
  for (const [, end, name, empty] of svg.matchAll(/<(\/?)([a-zA-Z]+)[^>]*?(\/?)>/g)) {
    if (end === '/') expect(open.pop()).toBe(name)
    else if (empty !== '/') open.push(name!)
  }
  return open
}
