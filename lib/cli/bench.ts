import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { BorealError } from '../model/errors.ts'

/**
 * The benchmark is no part of the product: it is built when it is asked for, and needs the packages of development.
 * Paths are those of the bundle, in dist/.
 */
export function benchCommand(program: Command): void {
  program
    .command('bench')
    .description('measure this build beside rqlite, PostgreSQL and H2, where they are found (see bench --help)')
    .helpOption(false)
    .allowUnknownOption()
    .argument('[options...]')
    .action(bench)
}

async function bench(options: string[]): Promise<void> {
  const fileOf = (path: string) => new URL(`../${path}`, import.meta.url)
  if (!existsSync(fileOf('test/bench/main.ts'))) {
    throw new BorealError('not_available', 'the benchmark is run in a clone of the repository')
  }
  const { installMissing } = (await import(fileOf('bin/prepare.mjs').href)) as { installMissing(options: object): void }
  installMissing({ dev: true })
  const { buildBench } = (await import(fileOf('bin/build.mjs').href)) as { buildBench(): Promise<void> }
  await buildBench()
  const { runBench } = (await import(fileOf('dist/bench.js').href)) as {
    runBench(args: readonly string[]): Promise<void>
  }
  await runBench(options)
}
