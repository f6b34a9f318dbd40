import { cp, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BenchCase, type BenchContext, interleaved } from '../bench-case.ts'
import { Samples, short } from '../figures.ts'
import { lsnWith } from '../large-stores.ts'
import { BorealSystem } from '../systems/boreal.ts'
import { restoreH2, writeH2Script } from '../systems/h2.ts'
import { ServerProcess } from '../systems/process.ts'

const IMAGE = fileURLToPath(new URL('bench-image.js', import.meta.url))

/** Tasks that are saved behind the snapshot. */
const MOST_TAIL = 100_000

/** One that restores, from a file that it had made itself. */
interface Restorer {
  system: string
  variant: string
  restore(): Promise<void>
  bytes: number
}

export const restartCase: BenchCase = {
  id: 'restart',
  title: 'Restart',
  about:
    'From the start of a process until it has counted the tasks: a node restores its snapshot, checks it, and replays ' +
    'the tail of the log, a tenth of the tasks and at most 100k, or none behind an image of them all; H2 runs the script ' +
    'that it wrote (RUNSCRIPT), in memory, of the same rows. Files are in the cache of the system for both.',
  async run(context) {
    const samples = new Samples('restart')
    const restorers: Restorer[] = []
    for (const size of context.restartSizes) restorers.push(...(await restorersOf(context, size)))
    const turn = async ({ system, variant, restore, bytes }: Restorer) => {
      const startedAt = performance.now()
      await restore()
      const value = (performance.now() - startedAt) / 1_000
      samples.add({ variant, system, unit: 's' }, { value })
      if (!samples.has(`${variant}, file`, system)) {
        samples.add({ variant: `${variant}, file`, system, unit: 'MB' }, { value: bytes / 1024 / 1024 })
      }
    }
    await interleaved(context, restorers, turn, ({ system, variant }) => `${system}, ${variant}`)
    return samples.figures()
  },
}

async function restorersOf(context: BenchContext, size: number): Promise<Restorer[]> {
  const { workspace, peers, say } = context
  const folder = await workspace.folder(`restart-${size}`)
  const variant = `${short(size)} tasks`
  const restorers = [
    await nodeOf(context, { size, variant, data: join(folder, 'data'), tail: Math.min(MOST_TAIL, size / 10) }),
    await nodeOf(context, { size, variant: `${variant}, image alone`, data: join(folder, 'all'), tail: 0 }),
  ]
  if (peers.h2 !== undefined) {
    const { path } = peers.h2
    say(`making the H2 script of ${variant}`)
    const script = join(folder, 'script.sql')
    await writeH2Script(path, size, join(folder, 'rows.sql'), script)
    restorers.push({
      system: 'h2',
      variant,
      restore: () => restoreH2(path, script, size),
      bytes: (await stat(script)).size,
    })
  }
  return restorers
}

/** A node on a copy of a store, with a snapshot behind which so many tasks are saved. */
async function nodeOf(
  { stores, say }: BenchContext,
  { size, variant, data, tail }: { size: number; variant: string; data: string; tail: number },
): Promise<Restorer> {
  await cp(await stores.folder(size), data, { recursive: true })
  say(`taking a snapshot of ${variant}`)
  const upTo = tail === 0 ? [] : [String(lsnWith(size - tail))]
  await new ServerProcess(process.execPath, [IMAGE, data, ...upTo]).finished()
  const bytes = await sizeBelow(join(data, 'objects'))
  return { system: 'boreal', variant, restore: () => boot(data, size), bytes }
}

async function sizeBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size))
  return sizes.reduce((sum, bytes) => sum + bytes, 0)
}

interface RoleSummaries {
  items: { active: number; terminal: number }[]
}

async function boot(data: string, size: number): Promise<void> {
  const system = await BorealSystem.start({ folder: data, connections: 1 })
  // What only a reader may run would wait for one; the sums of all roles are as good.
  const { items } = JSON.parse(await system.http.send('GET', '/v1/roles?limit=1000')) as RoleSummaries
  const count = items.reduce((sum, { active, terminal }) => sum + active + terminal, 0)
  // Not part of it: to go in good order.
  await system.process.stop('SIGKILL')
  if (count !== size) throw new Error(`${count} of ${size} tasks are there`)
}
