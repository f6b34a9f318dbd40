import type { BenchCase } from '../bench-case.ts'
import { Samples, short } from '../figures.ts'
import { BorealSystem } from '../systems/boreal.ts'

const PER = 100_000
const MB = 1024 * 1024

export const memoryCase: BenchCase = {
  id: 'memory',
  title: 'Memory',
  about: 'Resident memory of a node after its start: the store that is written to, one reader, and what comes with it.',
  async run({ sizes, stores, say }) {
    const samples = new Samples('memory')
    const add = (variant: string, bytes: number) =>
      samples.add({ variant, system: 'boreal', unit: 'MB' }, { value: bytes / MB })
    let emptyBytes = 0
    for (const size of [0, ...sizes]) {
      say(`${short(size)} tasks`)
      const system = await BorealSystem.start({ folder: await stores.folder(size), connections: 1 })
      await system.count()
      const bytes = system.process.residentBytes()
      await system.stop()
      add(`${short(size)} tasks`, bytes)
      if (size === 0) emptyBytes = bytes
      else if (size === sizes.at(-1)) add(`each ${short(PER)} tasks`, ((bytes - emptyBytes) / size) * PER)
    }
    return samples.figures()
  },
}
