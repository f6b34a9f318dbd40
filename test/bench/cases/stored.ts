import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { type BenchCase, interleaved } from '../bench-case.ts'
import { clientsText, Samples, short } from '../figures.ts'
import { load } from '../load.ts'
import { BorealSystem, boreal } from '../systems/boreal.ts'
import { benchTask } from '../tasks.ts'

const CLIENTS = 64

export const storedCase: BenchCase = {
  id: 'stored',
  title: 'Writes into large stores',
  about: `Transactions of a single task per second at ${clientsText(CLIENTS)}, in stores of different sizes.`,
  async run(context) {
    const samples = new Samples('stored')
    const turn = async (size: number) => {
      const folder = await context.workspace.folder(`stored-${size}`)
      await cp(join(await context.stores.folder(size), 'table'), join(folder, 'table'), { recursive: true })
      const system = await BorealSystem.start({ folder, connections: CLIENTS })
      let tasks = size
      const save = () => system.save([benchTask(tasks++)])
      const { rate, ...rest } = await load(CLIENTS, save, { ...context, warmupMs: context.warmMs })
      const count = await system.count()
      if (count !== tasks) throw new Error(`${tasks} tasks were acknowledged, ${count} are there`)
      await system.stop()
      await context.workspace.discard(folder)
      const label = { variant: `${short(size)} tasks`, system: 'boreal', unit: 'transactions/s' }
      samples.add({ ...label, note: boreal.durability }, { value: rate, ...rest })
    }
    const { sizes } = context
    await interleaved(context, [sizes[0]!, sizes.at(-1)!], turn, (size) => `${short(size)} tasks`)
    return samples.figures()
  },
}
