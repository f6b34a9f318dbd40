import { type BenchCase, interleaved } from '../bench-case.ts'
import { Samples, short } from '../figures.ts'
import { load } from '../load.ts'
import { BorealSystem } from '../systems/boreal.ts'
import { JOBS } from '../tasks.ts'

export const summaryCase: BenchCase = {
  id: 'summary',
  title: 'Role summaries',
  about: `The list of all roles with their counts, one client, in stores of ${JOBS} jobs and more and more tasks.`,
  async run(context) {
    const samples = new Samples('summary')
    const turn = async (size: number) => {
      const system = await BorealSystem.start({ folder: await context.stores.folder(size), connections: 1 })
      const { rate, ...rest } = await load(1, () => system.http.send('GET', '/v1/roles?limit=1000'), {
        ...context,
        warmupMs: context.durationMs / 2,
      })
      samples.add({ variant: `${short(size)} tasks`, system: 'boreal', unit: 'reads/s' }, { value: rate, ...rest })
      await system.stop()
    }
    await interleaved(context, context.sizes, turn, (size) => `${short(size)} tasks`)
    return samples.figures()
  },
}
