import { type BenchCase, type BenchContext, interleaved } from '../bench-case.ts'
import { clientsText, type Figure, Samples } from '../figures.ts'
import { load } from '../load.ts'
import type { Contender, System } from '../systems/system.ts'
import { benchTask, benchTasks } from '../tasks.ts'

const KEYS =
  'By an idempotency key a transaction that is sent again is known: Boreal remembers it when there is one, as those of its ' +
  'own client have; "rqlite, keys" inserts it into a table with the same columns and indexes. Compare like with like.'

const CLIENTS = [1, 16, 64, 256]

export const writeCase: BenchCase = {
  id: 'write',
  title: 'Transactions of a single task',
  about: `Acknowledged transactions per second, each saving a task, on a store that starts empty in every round. ${KEYS}`,
  run: (context) =>
    writing(context, 'write', async ({ system, saved, contender, samples }) => {
      const save = () => system.save([benchTask(saved.tasks++)])
      await load(64, save, { durationMs: context.warmMs, warmupMs: 0 })
      for (const clients of CLIENTS) {
        const { rate, ...rest } = await load(clients, save, context)
        const variant = clientsText(clients)
        const { name, durability } = contender
        samples.add({ variant, system: name, unit: 'transactions/s', note: durability }, { value: rate, ...rest })
      }
    }),
}

const BATCH = 100
const BATCH_CLIENTS = 4

export const batchCase: BenchCase = {
  id: 'batch',
  title: `Transactions of ${BATCH} tasks`,
  about: `Rows per second in acknowledged transactions of ${BATCH} tasks, at ${BATCH_CLIENTS} clients. ${KEYS}`,
  run: (context) =>
    writing(context, 'batch', async ({ system, saved, contender, samples }) => {
      const save = () => {
        const first = saved.tasks
        saved.tasks += BATCH
        return system.save(benchTasks(first, BATCH))
      }
      await load(BATCH_CLIENTS, save, { durationMs: context.warmMs, warmupMs: 0 })
      const { rate, ...rest } = await load(BATCH_CLIENTS, save, context)
      const label = { variant: clientsText(BATCH_CLIENTS), system: contender.name, unit: 'rows/s' }
      samples.add({ ...label, note: contender.durability }, { value: rate * BATCH, ...rest })
    }),
}

const CHANGED = 10_000
const CHANGE_CLIENTS = 64

export const changeCase: BenchCase = {
  id: 'change',
  title: 'State changes with a precondition',
  about: `Transactions per second that change the status of one of ${CHANGED} tasks if it is what it should be. ${KEYS}`,
  run: (context) =>
    writing(context, 'change', async ({ system, saved, contender, samples }) => {
      for (; saved.tasks < CHANGED; saved.tasks += BATCH) await system.save(benchTasks(saved.tasks, BATCH))
      let next = 0
      // Round and round: a task goes there and, the next time it is met, back.
      const change = () => {
        const isBack = Math.floor(next / CHANGED) % 2 === 1
        const task = benchTask(next++ % CHANGED)
        return isBack ? system.change(task, 'DRAINING', 'RUNNING') : system.change(task, 'RUNNING', 'DRAINING')
      }
      await load(CHANGE_CLIENTS, change, { durationMs: context.warmMs, warmupMs: 0 })
      const { rate, ...rest } = await load(CHANGE_CLIENTS, change, context)
      const label = { variant: clientsText(CHANGE_CLIENTS), system: contender.name, unit: 'transactions/s' }
      samples.add({ ...label, note: contender.durability }, { value: rate, ...rest })
    }),
}

interface Turn {
  system: System
  contender: Contender
  /** Tasks that were saved so far; all acknowledged while nothing is on its way. */
  saved: { tasks: number }
  samples: Samples
}

/** A turn of each system on a fresh folder. At its end the system must hold what it has acknowledged, exactly. */
async function writing(context: BenchContext, id: string, work: (turn: Turn) => Promise<void>): Promise<Figure[]> {
  const samples = new Samples(id)
  const turn = async (contender: Contender) => {
    const folder = await context.workspace.folder(`${id}-${contender.name}`)
    const system = await contender.start({ folder, connections: 256 })
    const saved = { tasks: 0 }
    await work({ system, contender, saved, samples })
    const count = await system.count()
    if (count !== saved.tasks) throw new Error(`${contender.name} acknowledged ${saved.tasks} tasks and holds ${count}`)
    await system.stop()
    await context.workspace.discard(folder)
  }
  await interleaved(context, context.contenders, turn, ({ name }) => name)
  return samples.figures()
}
