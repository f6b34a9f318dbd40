import { type BenchCase, interleaved } from '../bench-case.ts'
import { Samples, short } from '../figures.ts'
import { BorealSystem } from '../systems/boreal.ts'
import { CONFIGS } from '../tasks.ts'

/** Shorter logs say more about the start than about the replay. */
const SMALLEST_SHARE = 0.05

interface Log {
  events: number
  /** Events of each task. */
  each: 1 | 3
}

const textOf = ({ events, each }: Log) => `${short(events)} events${each === 1 ? '' : `, ${each} of each task`}`

export const replayCase: BenchCase = {
  id: 'replay',
  title: 'Replay',
  about:
    'Task events per second, each a transaction: a node starts on the log alone, less what it takes to start on an empty ' +
    'one. One event of each task is a log of nothing but new tasks; three are those of a task that is saved, assigned, and runs.',
  async run(context) {
    const samples = new Samples('replay')
    const largest = context.sizes.at(-1)!
    const sizes = context.sizes.filter((size) => size >= largest * SMALLEST_SHARE)
    const logs: Log[] = [0, ...sizes].map((events) => ({ events, each: 1 }))
    logs.push({ events: largest, each: 3 })
    let emptyMs = 0
    const turn = async (log: Log) => {
      const { events, each } = log
      const tasks = Math.round(events / each)
      const folder = await context.stores.folder(tasks, CONFIGS, each)
      const system = await BorealSystem.start({ folder, connections: 1 })
      const { readyMs } = system
      if ((await system.count()) !== tasks) throw new Error(`not all of ${tasks} tasks are there`)
      await system.stop()
      const variant = textOf(log)
      samples.add({ variant: `start, ${variant}`, system: 'boreal', unit: 's' }, { value: readyMs / 1_000 })
      if (events === 0) emptyMs = readyMs
      else {
        const value = (events * 1_000) / (readyMs - emptyMs)
        samples.add({ variant, system: 'boreal', unit: 'events/s' }, { value })
      }
    }
    await interleaved(context, logs, turn, textOf)
    return samples.figures()
  },
}
