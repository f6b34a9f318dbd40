import { join } from 'node:path'
import { type BenchCase, type BenchContext, interleaved } from '../bench-case.ts'
import { clientsText, median, Samples } from '../figures.ts'
import { load } from '../load.ts'
import { BorealSystem } from '../systems/boreal.ts'
import { BarePutItem, DELAYED_TABLE, DelayedTable } from '../systems/delayed-table.ts'
import { benchTask } from '../tasks.ts'

const DELAYS_MS = [5, 25]
const MANY_CLIENTS = 64

export const delayCase: BenchCase = {
  id: 'delay',
  title: 'Commits on a table that is further away',
  about:
    'A node on a table server of its own process; every append takes so much longer. Delay alone: a bare conditional ' +
    'PutItem of an item of the same size by a client that does nothing else, through the same proxy.',
  async run(context) {
    const samples = new Samples('delay')
    await interleaved(
      context,
      DELAYS_MS,
      (delayMs) => measure(context, samples, delayMs),
      (delayMs) => `${delayMs} ms`,
    )
    return samples.figures()
  },
}

async function measure(context: BenchContext, samples: Samples, delayMs: number): Promise<void> {
  const folder = await context.workspace.folder(`delay-${delayMs}`)
  const table = await DelayedTable.start(folder, delayMs)
  const system = await BorealSystem.start({
    folder,
    connections: MANY_CLIENTS,
    args: ['--table', DELAYED_TABLE, '--create-table', '--objects', join(folder, 'objects')],
    env: { AWS_ENDPOINT_URL: table.endpoint },
  })
  let tasks = 0
  const commit = () => system.save([benchTask(tasks++)])
  const { durationMs, warmMs } = context
  await load(MANY_CLIENTS, commit, { durationMs: warmMs, warmupMs: 0 })
  const add = (system: string, clients: number, { rate, ...rest }: Awaited<ReturnType<typeof load>>) => {
    const label = { variant: `${delayMs} ms, ${clientsText(clients)}`, system, unit: '/s' }
    samples.add({ ...label, note: 'synced to disk by the table server' }, { value: rate, ...rest })
  }
  const warm = { durationMs, warmupMs: durationMs / 4 }
  add('boreal', 1, await load(1, commit, warm))
  const bare = new BarePutItem(table.endpoint, await entryBytes(system))
  add('delay alone', 1, await load(1, () => bare.put(), warm))
  await bare.close()
  add('boreal', MANY_CLIENTS, await load(MANY_CLIENTS, commit, warm))
  const count = await system.count()
  if (count !== tasks) throw new Error(`${tasks} tasks were acknowledged, ${count} are there`)
  await system.stop()
  await table.stop()
  await context.workspace.discard(folder)
}

/** Size of the last entries, each of one transaction. */
async function entryBytes({ http }: BorealSystem): Promise<number> {
  const { lsn } = JSON.parse(await http.send('GET', '/v1/status')) as { lsn: number }
  const page = JSON.parse(await http.send('GET', `/v1/log?after=${Math.max(0, lsn - 20)}&limit=20`))
  return median((page as { items: { bytes: number }[] }).items.map(({ bytes }) => bytes))
}
