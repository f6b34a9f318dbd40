import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BenchCase, type BenchContext, interleaved } from '../bench-case.ts'
import { Samples, short } from '../figures.ts'
import { restoreH2, writeH2Script } from '../systems/h2.ts'
import { ServerProcess } from '../systems/process.ts'

const IMAGE = fileURLToPath(new URL('bench-image.js', import.meta.url))

/** One that restores, from a file that it had made itself. */
interface Restorer {
  system: string
  size: number
  restore(): Promise<void>
  bytes: number
}

export const restartCase: BenchCase = {
  id: 'restart',
  title: 'Restart',
  about:
    'From the start of a process until it has counted the tasks: Boreal boots a store from its image, H2 runs the ' +
    'script that it wrote (RUNSCRIPT), in memory, of the same rows. Files are in the cache of the system for both.',
  async run(context) {
    const samples = new Samples('restart')
    const restorers: Restorer[] = []
    for (const size of context.sizes) restorers.push(...(await restorersOf(context, size)))
    const turn = async ({ system, size, restore, bytes }: Restorer) => {
      const startedAt = performance.now()
      await restore()
      const value = (performance.now() - startedAt) / 1_000
      samples.add({ variant: `${short(size)} tasks`, system, unit: 's' }, { value })
      if (!samples.has(`${short(size)} tasks, file`, system)) {
        samples.add({ variant: `${short(size)} tasks, file`, system, unit: 'MB' }, { value: bytes / 1024 / 1024 })
      }
    }
    await interleaved(context, restorers, turn, ({ system, size }) => `${system}, ${short(size)} tasks`)
    return samples.figures()
  },
}

async function restorersOf({ workspace, stores, peers, say }: BenchContext, size: number): Promise<Restorer[]> {
  const folder = await workspace.folder(`restart-${size}`)
  say(`making the image of ${short(size)} tasks`)
  const image = join(folder, 'image')
  const maker = new ServerProcess(process.execPath, [IMAGE, 'make', await stores.folder(size), image])
  await maker.finished()
  const restorers: Restorer[] = [
    {
      system: 'boreal',
      size,
      restore: () => boot(image, size),
      bytes: (await stat(image)).size,
    },
  ]
  if (peers.h2 !== undefined) {
    const { path } = peers.h2
    say(`making the H2 script of ${short(size)} tasks`)
    const script = join(folder, 'script.sql')
    await writeH2Script(path, size, join(folder, 'rows.sql'), script)
    restorers.push({
      system: 'h2',
      size,
      restore: () => restoreH2(path, script, size),
      bytes: (await stat(script)).size,
    })
  }
  return restorers
}

async function boot(image: string, size: number): Promise<void> {
  const output = await new ServerProcess(process.execPath, [IMAGE, 'boot', image]).finished()
  if (!output.includes(`restored ${size}\n`)) throw new Error(`not all of ${size} tasks are there: ${output}`)
}
