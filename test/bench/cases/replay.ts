import { type BenchCase, interleaved } from '../bench-case.ts'
import { Samples, short } from '../figures.ts'
import { BorealSystem } from '../systems/boreal.ts'

/** Shorter logs say more about the start than about the replay. */
const SMALLEST_SHARE = 0.05

export const replayCase: BenchCase = {
  id: 'replay',
  title: 'Replay',
  about:
    'Task events per second, a task and a transaction each: a node starts on the log alone, less what it takes to start ' +
    'on an empty one.',
  async run(context) {
    const samples = new Samples('replay')
    const largest = context.sizes.at(-1)!
    const sizes = [0, ...context.sizes.filter((size) => size >= largest * SMALLEST_SHARE)]
    let emptyMs = 0
    const turn = async (size: number) => {
      const folder = await context.stores.folder(size)
      const system = await BorealSystem.start({ folder, connections: 1 })
      const { readyMs } = system
      if ((await system.count()) !== size) throw new Error(`not all of ${size} tasks are there`)
      await system.stop()
      samples.add({ variant: `start, ${short(size)} events`, system: 'boreal', unit: 's' }, { value: readyMs / 1_000 })
      if (size === 0) emptyMs = readyMs
      else {
        const value = (size * 1_000) / (readyMs - emptyMs)
        samples.add({ variant: `${short(size)} events`, system: 'boreal', unit: 'events/s' }, { value })
      }
    }
    await interleaved(context, sizes, turn, (size) => `${short(size)} events`)
    return samples.figures()
  },
}
