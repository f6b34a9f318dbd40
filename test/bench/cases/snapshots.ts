import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { type BenchCase, interleaved } from '../bench-case.ts'
import { clientsText, Samples, short } from '../figures.ts'
import { load } from '../load.ts'
import { BorealSystem } from '../systems/boreal.ts'
import { benchTask } from '../tasks.ts'

const CLIENTS = 16

/** A window has some jobs in it, and what is rare in each of them, only when it is so many times as long as others. */
const LONGER = 8

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
    const jobs = new Jobs(system)
    const turn = async (isWith: boolean) => {
      if (isWith) await jobs.begin()
      const { rate, ...rest } = await writes(1_000)
      await jobs.end()
      const variant = `${short(size)} tasks, ${isWith ? 'with' : 'without'}`
      samples.add({ variant, system: 'boreal', unit: 'transactions/s' }, { value: rate, ...rest })
    }
    await writes(context.warmMs)
    await interleaved(context, [false, true], turn, (isWith) => (isWith ? 'with' : 'without'))
    for (const { what, ms } of jobs.made) {
      samples.add({ variant: `one of the ${what} beside them`, system: 'boreal', unit: 's' }, { value: ms / 1_000 })
    }
    await system.stop()
    return samples.figures()
  },
}

/** Snapshots and backups in turn, until it is enough. */
class Jobs {
  readonly #system: BorealSystem
  /** Goes on from window to window: backups begin some of them, too. */
  #number = 0
  #going = false
  #work: Promise<void> = Promise.resolve()
  /** Those that were made, and how long each took. */
  readonly made: { what: string; ms: number }[] = []

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
    while (this.#going) {
      const what = this.#number++ % 2 === 0 ? 'snapshots' : 'backups'
      const startedAt = performance.now()
      await this.#make(what)
      // One that went on alone says nothing.
      if (this.#going) this.made.push({ what, ms: performance.now() - startedAt })
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
