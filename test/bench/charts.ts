import { clientsText, type Figure, findFigure, short } from './figures.ts'

/** A chart as data: bars in groups, one series per system. */
export interface Chart {
  /** Name of its file. */
  name: string
  title: string
  subtitle: string
  categories: string[]
  /** A value per category; absent where nothing was measured. */
  series: { system: string; values: (number | undefined)[] }[]
}

const SYSTEMS = [
  ...['boreal', 'boreal, no keys', 'boreal --no-sync', 'rqlite', 'rqlite, keys'],
  ...['postgres http', 'postgres', 'h2', 'delay alone'],
]

/** One chart per topic, of what was measured. */
export function chartsOf(figures: readonly Figure[], sizes: readonly number[]): Chart[] {
  const chart = (
    name: string,
    title: string,
    subtitle: string,
    bars: { category: string; at: [name: string, variant: string]; part?: 'value' | 'p50' }[],
  ): Chart[] => {
    const there = bars.filter(({ at: [id, variant] }) => figures.some((f) => f.case === id && f.variant === variant))
    const series = SYSTEMS.map((system) => ({
      system,
      values: there.map(({ at: [id, variant], part = 'value' }) => findFigure(figures, id, variant, system)?.[part]),
    })).filter(({ values }) => values.some((value) => value !== undefined))
    const categories = there.map(({ category }) => category)
    return there.length === 0 ? [] : [{ name, title, subtitle, categories, series }]
  }
  const restarts = [...new Set(figures.flatMap((f) => (f.case === 'restart' && f.unit === 's' ? [f.variant] : [])))]
  return [
    ...chart(
      'writes',
      'Transactions of a single task',
      'acknowledged per second; more is better',
      [1, 16, 64, 256].map((count) => ({ category: clientsText(count), at: ['write', clientsText(count)] })),
    ),
    ...chart('batches', 'Rows in transactions of 100, and state changes', 'per second; more is better', [
      { category: 'rows, 4 clients', at: ['batch', '4 clients'] },
      { category: 'changes, 64 clients', at: ['change', '64 clients'] },
    ]),
    ...chart(
      'reads',
      'Reads at 16 clients',
      'answers per second; more is better. consistent: rqlite linearizable',
      ['point weak', 'point consistent', 'page weak', 'page consistent'].map((kind) => ({
        category: kind.replace('point', 'one task,').replace('page', '100 tasks,'),
        at: ['read', `${kind} 16 clients`],
      })),
    ),
    ...chart(
      'delay',
      'Commits on a table that answers later',
      'median, ms; less is better. delay alone: a bare PutItem of the same size',
      ['5 ms, 1 client', '5 ms, 64 clients', '25 ms, 1 client', '25 ms, 64 clients'].map((variant) => ({
        category: variant,
        at: ['delay', variant],
        part: 'p50',
      })),
    ),
    ...chart(
      'restart',
      'Restart',
      'seconds until the tasks are counted, a tenth of them in the tail or none; less is better. h2: RUNSCRIPT',
      restarts.map((variant) => ({
        category: variant.replace(/ tasks$/, ', a tail').replace(' tasks', ''),
        at: ['restart', variant],
      })),
    ),
    ...chart(
      'replay',
      'Replay of the log',
      'task events per second; more is better',
      sizes.map((size) => ({ category: `${short(size)} events`, at: ['replay', `${short(size)} events`] })),
    ),
  ]
}
