import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { type BenchCase, interleaved } from '../bench-case.ts'
import { clientsText, Samples, short } from '../figures.ts'
import { load } from '../load.ts'
import { BorealSystem } from '../systems/boreal.ts'
import { benchTask } from '../tasks.ts'

const CLIENTS = 16

/** A window has some jobs in it, and what is rare in each of them, only when it is so many times as long as others. */
const LONGER = 5

/** Jobs that run because it is time would be in windows that are to be without. */
const BY_HAND = { BOREAL_SNAPSHOT_MINUTES: '0', BOREAL_BACKUP_MINUTES: '0', BOREAL_DRILL_HOURS: '0' }

export const snapshotsCase: BenchCase = {
  id: 'snapshots',
  title: 'Writes while snapshots and backups are made',
  about:
    `Transactions of a single task at ${clientsText(CLIENTS)}, in windows with and without snapshots and backups, one ` +
    'behind the other without a pause, made by the node itself.',
  async run(context) {
    const samples = new Samples('snapshots')
    const size = context.sizes.at(-2)!
    const folder = await context.workspace.folder('snapshots')
    await cp(join(await context.stores.folder(size), 'table'), join(folder, 'table'), { recursive: true })
    const system = await BorealSystem.start({ folder, connections: CLIENTS + 1, env: BY_HAND })
    let tasks = size
    const save = () => system.save([benchTask(tasks++)])
    const writes = (warmupMs: number) => load(CLIENTS, save, { durationMs: context.durationMs * LONGER, warmupMs })
    const turn = async (isWith: boolean) => {
      const jobs = new Jobs(system)
      if (isWith) await jobs.begin()
      const { rate, ...rest } = await writes(1_000)
      await jobs.end()
      const variant = `${short(size)} tasks, ${isWith ? 'with' : 'without'}`
      samples.add({ variant, system: 'boreal', unit: 'transactions/s' }, { value: rate, ...rest })
      if (isWith) samples.add({ variant: 'jobs in a window', system: 'boreal', unit: 'jobs' }, { value: jobs.done })
    }
    await writes(context.warmMs)
    await interleaved(context, [false, true], turn, (isWith) => (isWith ? 'with' : 'without'))
    await system.stop()
    return samples.figures()
  },
}

/** Snapshots and backups in turn, until it is enough. */
class Jobs {
  readonly #system: BorealSystem
  #going = false
  #work: Promise<void> = Promise.resolve()
  done = 0

  constructor(system: BorealSystem) {
    this.#system = system
  }

  /** Resolves when the first one is well on its way: it begins by starting a thread. */
  async begin(): Promise<void> {
    this.#going = true
    this.#work = this.#run()
    this.#work.catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }

  /** Those of the next window would find one at its end. */
  async end(): Promise<void> {
    this.#going = false
    await this.#work
  }

  async #run(): Promise<void> {
    for (let number = 0; this.#going; number++) {
      await this.#make(number % 2 === 0 ? 'snapshots' : 'backups')
      if (this.#going) this.done++
    }
  }

  /** What takes longer than a request may is joined by the next one. */
  async #make(what: string): Promise<void> {
    for (;;) {
      const answer = JSON.parse(await this.#system.http.send('POST', `/v1/${what}`, '{}')) as { made?: boolean }
      if (answer.made !== undefined) return
    }
  }
}
