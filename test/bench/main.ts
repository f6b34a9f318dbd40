import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { BenchCase, BenchContext } from './bench-case.ts'
import { CASES } from './cases.ts'
import type { Figure } from './figures.ts'
import { LargeStores } from './large-stores.ts'
import { machineFacts } from './machine.ts'
import { caseText, machineText, type Report, verdictText } from './report.ts'
import { boreal, borealNoKeys, borealNoSync, runBoreal } from './systems/boreal.ts'
import { findPeers, type Peers } from './systems/peers.ts'
import { postgresContenders } from './systems/postgres.ts'
import { rqliteContenders } from './systems/rqlite.ts'
import type { Contender } from './systems/system.ts'
import { verdicts } from './verdict.ts'
import { endOnSignals, Workspace } from './workspace.ts'

interface BenchFlags {
  only: BenchCase[]
  quick?: boolean
  repeats?: number
  seconds?: number
  sizes?: number[]
  out: string
  plot?: boolean
  from?: string
  work?: string
}

const FULL = {
  repeats: 3,
  seconds: 4,
  warmMs: 8_000,
  sizes: [10_000, 100_000, 1_000_000],
  restartSizes: [10_000, 215_000, 1_000_000],
}
const QUICK = { repeats: 1, seconds: 1, warmMs: 500, sizes: [2_000, 20_000], restartSizes: [2_000, 20_000] }

/** The command `boreal bench`. */
export async function runBench(args: readonly string[]): Promise<void> {
  const names = CASES.map(({ id }) => id).join(', ')
  await new Command('boreal bench')
    .description('measure this build beside rqlite, PostgreSQL and H2, where they are found')
    .addOption(
      new Option('--only <cases>', `some of: ${names}`).default(CASES, 'all').argParser((text) => casesOf(text)),
    )
    .option('--quick', 'some minutes: small stores, one short round; says whether it works, not how fast it is')
    .option('--repeats <n>', `rounds of each measurement (default ${FULL.repeats})`, positive)
    .option('--seconds <n>', `length of one measurement (default ${FULL.seconds})`, positive)
    .option('--sizes <list>', 'tasks of the large stores (default 10k, 100k and 1M; restarts with 215k)', sizesOf)
    .option('--out <folder>', 'where the report goes', 'bench-results')
    .option('--plot', 'draw the report, too (SVG)')
    .option('--from <file>', 'measure nothing: judge, and draw, a report that was written before')
    .option('--work <folder>', "where data goes while it runs: the disk that is measured (default: the system's)")
    .action(bench)
    .parseAsync([...args], { from: 'user' })
}

async function bench(flags: BenchFlags): Promise<void> {
  if (flags.from !== undefined) return judgeAgain(flags.from, flags)
  endOnSignals()
  const defaults = flags.quick ? QUICK : FULL
  const { repeats = defaults.repeats, seconds = defaults.seconds } = flags
  const { sizes = defaults.sizes } = flags
  const restartSizes = flags.sizes ?? defaults.restartSizes
  const { warmMs } = defaults
  const peers = findPeers()
  const workspace = await Workspace.create(flags.work)
  const machine = machineFacts(workspace.path, peers)
  process.stdout.write(`${machineText(machine)}\n`)
  const startedAt = performance.now()
  const say = (message: string) => {
    process.stderr.write(`${String(Math.round((performance.now() - startedAt) / 1_000)).padStart(5)} s  ${message}\n`)
  }
  const stores = new LargeStores(workspace, say)
  const contenders = contendersOf(peers)
  const context = {
    workspace,
    stores,
    peers,
    contenders,
    repeats,
    warmMs,
    durationMs: seconds * 1_000,
    sizes,
    restartSizes,
    say,
  }
  try {
    // As every node but the first one of a machine, and that one half a minute after its start.
    await runBoreal(['prepare']).finished()
    const options = { repeats, seconds, sizes, quick: flags.quick === true }
    const reportOf = (figures: Figure[]) => ({ machine, options, figures, verdicts: verdicts(figures, sizes) })
    // All cases take an hour, and one of the later ones may fail: what was measured is not lost.
    const figures = await measure(flags.only, context, (sofar) => saveReport(reportOf(sofar), flags))
    await writeReport(reportOf(figures), flags)
  } catch (error) {
    // A case that fails leaves servers and stores running; the end of the process ends them.
    process.stderr.write(`boreal bench: ${error instanceof Error ? error.stack : error}\n`)
    process.exit(1)
  }
  await workspace.remove()
}

async function measure(
  cases: readonly BenchCase[],
  context: BenchContext,
  save: (sofar: Figure[]) => Promise<unknown>,
): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const each of cases) {
    const say = (message: string) => context.say(`${each.id}: ${message}`)
    const found = await each.run({ ...context, say })
    process.stdout.write(`${caseText(each, found)}\n`)
    figures.push(...found)
    await save(figures)
  }
  return figures
}

function contendersOf({ rqlite, postgres }: Peers): Contender[] {
  return [
    boreal,
    borealNoKeys,
    borealNoSync,
    ...(rqlite === undefined ? [] : rqliteContenders(rqlite.path)),
    ...(postgres === undefined ? [] : postgresContenders(postgres.path)),
  ]
}

async function writeReport(report: Report, flags: BenchFlags): Promise<void> {
  process.stdout.write(verdictText(report.verdicts))
  const file = await saveReport(report, flags)
  const files = [file, ...(flags.plot ? await drawn(report, flags.out) : [])]
  process.stdout.write(`\nwritten: ${files.join(', ')}\n`)
}

async function saveReport(report: Report, { out }: BenchFlags): Promise<string> {
  const file = join(out, 'bench.json')
  await mkdir(out, { recursive: true })
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`)
  return file
}

/** The limits may have changed since, the figures have not. */
async function judgeAgain(file: string, flags: BenchFlags): Promise<void> {
  const report = JSON.parse(await readFile(file, 'utf8')) as Report
  const { figures, options } = report
  process.stdout.write(`${machineText(report.machine)}\n`)
  for (const each of CASES) {
    const ofCase = figures.filter((figure) => figure.case === each.id)
    if (ofCase.length > 0) process.stdout.write(`${caseText(each, ofCase)}\n`)
  }
  await writeReport({ ...report, verdicts: verdicts(figures, options.sizes) }, flags)
}

/** The library that draws is large; who does not want charts does not wait for it. */
async function drawn(report: Report, folder: string): Promise<string[]> {
  const { plot } = await import('./plot.ts')
  return plot(report, folder)
}

function casesOf(text: string): BenchCase[] {
  return text.split(',').map((id) => {
    const found = CASES.find((each) => each.id === id.trim())
    if (found === undefined) throw new InvalidArgumentError(`there is no case ${id}`)
    return found
  })
}

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('must be a positive number')
  return value
}

/** As they are written in the report: 10k, 1M, 2500. */
function sizesOf(text: string): number[] {
  return text.split(',').map((size) => positive(size.replace(/k$/, '000').replace(/M$/, '000000')))
}
