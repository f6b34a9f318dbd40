import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type BenchCase, type BenchContext, interleaved } from '../bench-case.ts'
import { Samples } from '../figures.ts'
import { latencies } from '../load.ts'
import { BorealSystem, TOKEN } from '../systems/boreal.ts'
import { ServerProcess } from '../systems/process.ts'
import { benchUpdate, instanceEvent, ROLLING, updateKey } from '../updates.ts'

const INSTANCES = 4_000
const GROUP = 1_000
const READERS = 200
/** Events that are there before one looks: three of the four batches. */
const BEFORE = 6_000
const OPERATIONS = 1_000
/** Events of instances per second, a transaction each. */
const PACE = 200
/** Readers begin so much earlier than writes. */
const LEAD_MS = 1_000

const READERS_PROGRAM = fileURLToPath(new URL('bench-details-readers.js', import.meta.url))

export const starvationCase: BenchCase = {
  id: 'starvation',
  title: `Writes while ${READERS} clients read`,
  about:
    `An update of ${INSTANCES} instances goes on in batches of ${GROUP}: ${PACE} events of instances per second, a ` +
    `transaction each, whose latency counts from when it was due. With and without ${READERS} clients that ask for ` +
    'its full details as fast as they are answered.',
  async run(context) {
    const samples = new Samples('starvation')
    const folder = await context.workspace.folder('starvation')
    const system = await BorealSystem.start({ folder, connections: 64 })
    let number = 0
    const turn = async (isRead: boolean) => phase(context, system, samples, `update-${number++}`, isRead)
    await phase(context, system, new Samples('warm-up'), 'warm-up', false)
    await interleaved(context, [false, true], turn, (isRead) => (isRead ? 'with readers' : 'without readers'))
    await system.stop()
    return samples.figures()
  },
}

async function phase(
  { durationMs }: BenchContext,
  system: BorealSystem,
  samples: Samples,
  id: string,
  isRead: boolean,
): Promise<void> {
  await begin(system, id)
  const { job } = updateKey(id)
  const path = `/v1/job-updates/${job.role}/${job.environment}/${job.name}/${id}`
  const args = [READERS_PROGRAM, system.url, path, TOKEN, String(READERS)]
  const readers = isRead ? new ServerProcess(process.execPath, args) : undefined
  await readers?.said(/reading/)
  await delay(LEAD_MS)
  const times = await writeEvents(system, id, Math.round((PACE * durationMs) / 1_000))
  const add = (variant: string, unit: string, sample: Parameters<Samples['add']>[1]) =>
    samples.add({ variant, system: 'boreal', unit }, sample)
  add(isRead ? 'writes with readers' : 'writes without readers', 'transactions/s', {
    value: (times.length * 1_000) / durationMs,
    ...latencies(times),
  })
  if (readers === undefined) return
  readers.child.kill('SIGTERM')
  const [, text] = /readers (.*)/.exec(await readers.finished())!
  const { answers, refused, failed, bytes, seconds } = JSON.parse(text!) as Record<string, number>
  add('complete answers', 'answers/s', { value: answers! / seconds! })
  add('size of an answer', 'kB', { value: bytes! / answers! / 1_000 })
  add('refused (429)', 'answers/s', { value: refused! / seconds! })
  add('failed', 'answers/s', { value: failed! / seconds! })
}

/** An update that has come to its last batch. */
async function begin(system: BorealSystem, id: string): Promise<void> {
  const key = updateKey(id)
  const operations: object[] = [
    { op: 'saveJobUpdate', jobUpdate: benchUpdate(key, INSTANCES, GROUP) },
    { op: 'saveJobUpdateEvent', key, event: ROLLING },
  ]
  await system.submit(JSON.stringify({ operations }))
  for (let first = 0; first < BEFORE; first += OPERATIONS) {
    const events = Array.from({ length: OPERATIONS }, (_, index) => eventOperation(id, first + index))
    await system.submit(JSON.stringify({ operations: events }))
  }
}

/** Sends events when they are due, whatever has become of those before; gives the latency of each. */
async function writeEvents(system: BorealSystem, id: string, count: number): Promise<number[]> {
  const startedAt = performance.now()
  const write = async (index: number) => {
    const dueAt = startedAt + (index * 1_000) / PACE
    await delay(Math.max(0, dueAt - performance.now()))
    await system.submit(JSON.stringify({ operations: [eventOperation(id, BEFORE + index)] }))
    return performance.now() - dueAt
  }
  return Promise.all(Array.from({ length: count }, (_, index) => write(index)))
}

function eventOperation(id: string, number: number): object {
  return { op: 'saveJobInstanceUpdateEvent', key: updateKey(id), event: instanceEvent(number, GROUP) }
}
