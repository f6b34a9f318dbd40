import { openStorage, type Storage } from '../../../lib/index.ts'
import { type BenchCase, interleaved } from '../bench-case.ts'
import { type Sample, Samples, short } from '../figures.ts'
import { latencies, load } from '../load.ts'
import { benchUpdate, instanceEvent, ROLLING, updateKey } from '../updates.ts'

const EVENTS = [1_000, 5_000, 10_000]
const BATCH = 1_000

export const detailsCase: BenchCase = {
  id: 'details',
  title: 'Details of job updates',
  about:
    'In the process of the store, as objects, by one caller: an update with everything that belongs to it. Published ' +
    'figures of H2 are 414, 113 and 57 per second. An update that has not changed is not put together again, but its ' +
    'text is parsed anew for every read; "after a change" are first reads of a version, without the write before them.',
  async run(context) {
    const samples = new Samples('details')
    const data = await context.workspace.folder('details')
    const storage = await openStorage({ data, sync: false, settings: { maxTasksPerJob: 1_000_000, pruneMinutes: 0 } })
    for (const events of EVENTS) await saveUpdate(storage, events)
    const levels = {
      consistent: storage.consistentRead.bind(storage),
      weak: storage.weaklyConsistentRead.bind(storage),
    }
    const turn = async (events: number) => {
      const key = updateKey(`with-${events}`)
      for (const [level, read] of Object.entries(levels)) {
        const details = async () => {
          const found = await read(({ jobUpdates }) => jobUpdates.details(key))
          if (found?.instanceEvents.length !== events) throw new Error(`${events} events were saved`)
        }
        const { rate, ...rest } = await load(1, details, context)
        const variant = `${short(events)} events, ${level}`
        samples.add({ variant, system: 'boreal', unit: 'reads/s' }, { value: rate, ...rest })
      }
      const variant = `${short(events)} events, consistent, after a change`
      samples.add({ variant, system: 'boreal', unit: 'reads/s' }, await firstReads(storage, events, context.durationMs))
    }
    await interleaved(context, EVENTS, turn, (events) => `${short(events)} events`)
    await storage.close()
    return samples.figures()
  },
}

/** Every read is the first one after an event. */
async function firstReads(storage: Storage, events: number, durationMs: number): Promise<Sample> {
  const key = updateKey(`with-${events}`)
  const times: number[] = []
  for (const endAt = performance.now() + durationMs; performance.now() < endAt; ) {
    await storage.write(({ jobUpdates }) => jobUpdates.saveEvent(key, ROLLING))
    const began = performance.now()
    await storage.consistentRead(({ jobUpdates }) => jobUpdates.details(key))
    times.push(performance.now() - began)
  }
  const sum = times.reduce((sum, time) => sum + time, 0)
  return { value: (times.length * 1_000) / sum, ...latencies(times) }
}

async function saveUpdate(storage: Storage, events: number): Promise<void> {
  const key = updateKey(`with-${events}`)
  await storage.write(({ jobUpdates }) => {
    jobUpdates.save(benchUpdate(key, events / 2, events / 2))
    jobUpdates.saveEvent(key, ROLLING)
  })
  for (let first = 0; first < events; first += BATCH) {
    await storage.write(({ jobUpdates }) => {
      for (let number = first; number < Math.min(events, first + BATCH); number++) {
        jobUpdates.saveInstanceEvent(key, instanceEvent(number, events / 2))
      }
    })
  }
}
