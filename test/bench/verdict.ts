import { type Figure, findFigure, short } from './figures.ts'

/** What is wanted of Boreal, as a ratio or a figure: at least (`>=`) or at most (`<=`) the floor, better the goal. */
export interface Measure {
  name: string
  unit: '×' | '/s' | 's' | 'ms'
  sense: '>=' | '<='
  floor: number
  goal: number
  /** The value found, if everything that it needs was measured. */
  find(figures: readonly Figure[], sizes: readonly number[]): number | undefined
}

export interface Verdict {
  name: string
  unit: Measure['unit']
  sense: Measure['sense']
  floor: number
  goal: number
  found?: number
  floorMet?: boolean
  goalMet?: boolean
}

type Part = 'value' | 'p50' | 'p99' | 'max'
type Place = [name: string, variant: string, system: string, part?: Part]

function at(figures: readonly Figure[], [name, variant, system, part = 'value']: Place): number | undefined {
  return findFigure(figures, name, variant, system)?.[part]
}

/** One figure over another. */
function ratio(of: Place, to: Place): Measure['find'] {
  return (figures) => {
    const [above, below] = [at(figures, of), at(figures, to)]
    return above === undefined || below === undefined ? undefined : above / below
  }
}

/** The same where the place depends on the largest and the smallest size of stores. */
function ratioOfSizes(of: (large: string, small: string) => [Place, Place]): Measure['find'] {
  return (figures, sizes) => {
    const [place, base] = of(short(sizes.at(-1)!), short(sizes[0]!))
    return ratio(place, base)(figures, sizes)
  }
}

/** The same where it depends on the largest size but one. */
function ratioOfMiddle(of: (size: string) => [Place, Place]): Measure['find'] {
  return (figures, sizes) => ratio(...of(short(sizes.at(-2)!)))(figures, sizes)
}

const against = (name: string, variant: string, peer: string) => ratio([name, variant, 'boreal'], [name, variant, peer])

/** Writes beside rqlite, both without idempotency keys, which it does not have. */
const withoutKeys = (name: string, variant: string) =>
  ratio([name, variant, 'boreal, no keys'], [name, variant, 'rqlite'])

/** The same where rqlite keeps them in a table. */
const withKeys = (name: string, variant: string) => against(name, variant, 'rqlite, keys')

const only =
  (...place: Place): Measure['find'] =>
  (figures) =>
    at(figures, place)

const least = (name: string, floor: number, goal: number, find: Measure['find'], unit: Measure['unit'] = '×') =>
  ({ name, unit, sense: '>=', floor, goal, find }) satisfies Measure

const most = (name: string, floor: number, goal: number, find: Measure['find'], unit: Measure['unit'] = '×') =>
  ({ name, unit, sense: '<=', floor, goal, find }) satisfies Measure

/** Details per second that H2 was published to give. */
const H2_DETAILS: [events: number, perSecond: number][] = [
  [1_000, 414],
  [5_000, 113],
  [10_000, 57],
]

export const MEASURES: readonly Measure[] = [
  least('single-task transactions/s, 64 clients, against rqlite', 1, 2, withoutKeys('write', '64 clients')),
  least('the same, both with keys', 1, 2, withKeys('write', '64 clients')),
  least('single-task transactions/s, 256 clients, against rqlite', 0.9, 2, withoutKeys('write', '256 clients')),
  least('the same, both with keys', 0.9, 2, withKeys('write', '256 clients')),
  least('rows/s in transactions of 100, 4 clients, against rqlite', 0.7, 1, withoutKeys('batch', '4 clients')),
  least('the same, both with keys', 0.7, 1, withKeys('batch', '4 clients')),
  most(
    'commit p50, 1 client, append delay 5 ms, against the delay alone',
    1.4,
    1.2,
    ratio(['delay', '5 ms, 1 client', 'boreal', 'p50'], ['delay', '5 ms, 1 client', 'delay alone', 'p50']),
  ),
  most(
    'commit p50, 64 clients, append delay 5 ms, against the delay alone',
    2.5,
    2,
    ratio(['delay', '5 ms, 64 clients', 'boreal', 'p50'], ['delay', '5 ms, 1 client', 'delay alone', 'p50']),
  ),
  least(
    'point reads, 16 clients, weak, against rqlite weak',
    0.7,
    1,
    against('read', 'point weak 16 clients', 'rqlite'),
  ),
  least(
    'point reads, 16 clients, consistent, against rqlite linearizable',
    0.7,
    1,
    against('read', 'point consistent 16 clients', 'rqlite'),
  ),
  ...H2_DETAILS.map(([events, perSecond]) =>
    least(
      `update details as objects, ${short(events)} instance events`,
      perSecond,
      2 * perSecond,
      only('details', `${short(events)} events, consistent`, 'boreal'),
      '/s',
    ),
  ),
  least('complete details/s to 200 readers', 20, 20, only('starvation', 'complete answers', 'boreal'), '/s'),
  most('refused readers (429)', 0, 0, only('starvation', 'refused (429)', 'boreal'), '/s'),
  most(
    'write p99 with 200 readers, against without',
    2,
    1.3,
    ratio(
      ['starvation', 'writes with readers', 'boreal', 'p99'],
      ['starvation', 'writes without readers', 'boreal', 'p99'],
    ),
  ),
  most('longest write with 200 readers', 1_000, 250, only('starvation', 'writes with readers', 'boreal', 'max'), 'ms'),
  most(
    'write p99 with snapshots and backups back to back, against without',
    1.3,
    1.1,
    ratioOfMiddle((size) => [
      ['snapshots', `${size} tasks, with`, 'boreal', 'p99'],
      ['snapshots', `${size} tasks, without`, 'boreal', 'p99'],
    ]),
  ),
  most(
    'role summary, most tasks against fewest, same jobs',
    1.5,
    1.1,
    ratioOfSizes((large, small) => [
      ['summary', `${large} tasks`, 'boreal', 'p50'],
      ['summary', `${small} tasks`, 'boreal', 'p50'],
    ]),
  ),
  least(
    'replay of events of new tasks',
    30_000,
    50_000,
    (figures, sizes) => at(figures, ['replay', `${short(sizes.at(-1)!)} events`, 'boreal']),
    '/s',
  ),
  least(
    'replay of task events, three of each',
    30_000,
    50_000,
    (figures, sizes) => at(figures, ['replay', `${short(sizes.at(-1)!)} events, 3 of each task`, 'boreal']),
    '/s',
  ),
  most('restart with 215k tasks and a tail of a tenth', 4, 3, only('restart', '215k tasks', 'boreal'), 's'),
  most('restart with 1M tasks and a tail of 100k events', 10, 7, only('restart', '1M tasks', 'boreal'), 's'),
  least(
    'restart from an image of most tasks, against H2 RUNSCRIPT',
    4,
    8,
    ratioOfSizes((large) => [
      ['restart', `${large} tasks`, 'h2'],
      ['restart', `${large} tasks, image alone`, 'boreal'],
    ]),
  ),
  least(
    'transactions/s with most tasks stored, against fewest',
    0.8,
    0.95,
    ratioOfSizes((large, small) => [
      ['stored', `${large} tasks`, 'boreal'],
      ['stored', `${small} tasks`, 'boreal'],
    ]),
  ),
]

export function verdicts(figures: readonly Figure[], sizes: readonly number[], measures = MEASURES): Verdict[] {
  return measures.map(({ find, ...measure }) => {
    const found = find(figures, sizes)
    if (found === undefined) return measure
    const meets = (limit: number) => (measure.sense === '>=' ? found >= limit : found <= limit)
    return { ...measure, found, floorMet: meets(measure.floor), goalMet: meets(measure.goal) }
  })
}
