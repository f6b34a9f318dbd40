import { type BenchCase, type BenchContext, interleaved } from '../bench-case.ts'
import { clientsText, Samples } from '../figures.ts'
import { inParallel, load } from '../load.ts'
import { boreal } from '../systems/boreal.ts'
import type { Contender } from '../systems/system.ts'
import { benchTask, benchTasks, JOBS, taskId } from '../tasks.ts'

const CLIENTS = [1, 16, 64]
const MOST_TASKS = 100_000
const LOADERS = 4
const BATCH = 500

export const readCase: BenchCase = {
  id: 'read',
  title: 'Reads',
  about:
    'Point reads by id and pages of 100 tasks of a job, keys drawn uniformly. Levels: weak (rqlite: weak) and ' +
    'consistent (rqlite: linearizable; PostgreSQL has one level).',
  async run(context) {
    const tasks = Math.min(MOST_TASKS, context.sizes.at(-1)!)
    const samples = new Samples('read')
    const contenders = context.contenders.filter(({ writesOnly }) => writesOnly !== true)
    const folders = new Map<Contender, string>()
    for (const contender of contenders) folders.set(contender, await filled(context, contender, tasks))
    const turn = async (contender: Contender) => {
      const system = await contender.start({ folder: folders.get(contender)!, connections: Math.max(...CLIENTS) })
      const count = await system.count()
      if (count !== tasks) throw new Error(`${contender.name} holds ${count} of ${tasks} tasks`)
      const any = () => Math.floor(Math.random() * tasks)
      const warm = () => system.point(taskId(any()), contender.levels[0]!)
      await load(16, warm, { durationMs: context.warmMs / 2, warmupMs: 0 })
      for (const level of contender.levels) {
        const reads = {
          point: () => system.point(taskId(any()), level),
          page: () => system.page(benchTask(any() % JOBS), level),
        }
        for (const [kind, read] of Object.entries(reads)) {
          for (const clients of CLIENTS) {
            const { rate, ...rest } = await load(clients, read, context)
            const label = {
              variant: `${kind} ${level} ${clientsText(clients)}`,
              system: contender.name,
              unit: 'reads/s',
            }
            samples.add(label, { value: rate, ...rest })
          }
        }
      }
      await system.stop()
    }
    await interleaved(context, contenders, turn, ({ name }) => name)
    for (const [contender, folder] of folders) if (contender !== boreal) await context.workspace.discard(folder)
    return samples.figures()
  },
}

/** A folder of the system's with the tasks in it. */
async function filled({ workspace, stores, say }: BenchContext, contender: Contender, tasks: number): Promise<string> {
  if (contender === boreal) return stores.folder(tasks)
  const folder = await workspace.folder(`read-${contender.name}`)
  say(`filling ${contender.name}`)
  const system = await contender.start({ folder, connections: LOADERS })
  await inParallel(LOADERS, tasks / BATCH, (piece) => system.save(benchTasks(piece * BATCH, BATCH)))
  await system.stop()
  return folder
}
