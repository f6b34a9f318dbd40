// What a deployment costs a day, from counted requests and list prices: npm run costs [-- --profile busy --writes 250].
// docs/costs.md explains it.
import { pathToFileURL } from 'node:url'
import { Command, InvalidArgumentError, Option } from 'commander'

/** List prices in US dollars, us-east-1, as of mid-2025 and without any free tier. Look them up before you rely on them. */
export const PRICES = {
  writeUnit: 0.625e-6,
  readUnit: 0.125e-6,
  tableGbMonth: 0.25 + 0.2, // with recovery in time
  s3GbMonth: 0.023,
  s3Put: 5e-6,
  s3Get: 0.4e-6,
  gatewayRequest: 3.5e-6,
  lambdaRequest: 0.2e-6,
  lambdaGbSecond: 13.3334e-6, // arm64
  fargateCpuHour: 0.03238, // arm64
  fargateGbHour: 0.00356,
  balancerHour: 0.0225 + 0.006,
  endpointHour: 0.01,
  logGb: 0.5,
  alarmMonth: 0.1,
  metricMonth: 0.3,
  secretMonth: 0.4,
  dashboardMonth: 3,
}

/** Requests of each kind of work. Counted by test/functions/requests.test.ts, which fails when they change. */
export const REQUESTS = {
  /** An append; all transactions of a batch share it. */
  write: { PutItem: 1 },
  consistentRead: { GetItem: 1 },
  /** A run of a scheduled function that finds nothing to do. */
  idleSnapshot: { GetItem: 7, list: 3, get: 4 },
  idleArchive: { GetItem: 10, Query: 1, list: 3, get: 0 },
  idleTrim: { GetItem: 38, list: 11, get: 5 },
  idleSweep: { GetItem: 2, list: 0, get: 0 },
}

const DAY_S = 86_400
const MONTH_DAYS = 30.4

/** Assumptions: change them to what you measure. */
export const ASSUMED = {
  /** Of a small transaction in the log, compressed together with others; alone it has the entry's 500 bytes besides. */
  transactionBytes: 160,
  entryBytes: 500,
  /** An append and what goes with it: so many follow one another in a second. */
  appendsPerSecond: 100,
  /** Of the API function for one request, and of a run of a job that finds nothing to do, s. */
  requestSeconds: 0.02,
  idleJobSeconds: 1.5,
  /** Days of entries that are in the table, and in the archive. */
  tableDays: 2,
  archiveDays: 8,
  storeGb: 0.2,
}

/** Scheduled functions: runs a day, memory, and what each asks for when it finds nothing to do. */
const JOBS = [
  { runs: 24 * 4, gb: 2, asks: REQUESTS.idleSnapshot },
  { runs: 24, gb: 2, asks: REQUESTS.idleSnapshot }, // backups
  { runs: 1, gb: 2, asks: REQUESTS.idleSnapshot }, // restore drills
  { runs: 24 * 60, gb: 0.5, asks: REQUESTS.idleArchive },
  { runs: 24, gb: 2, asks: REQUESTS.idleTrim },
  { runs: 24, gb: 0.5, asks: REQUESTS.idleSweep },
]
const API_GB = 1.769

/** Metrics that alarms look at, and metrics of our own; see cdk/watch.ts. */
const ALARM_METRICS = 24
const METRICS = 6

const sumOf = (jobs, each) => jobs.reduce((sum, job) => sum + each(job), 0)

/** Dollars a day, by what is paid for. `writes`: transactions a second, one operation each. */
export function costs(profile, writes, assumed = ASSUMED) {
  const p = PRICES
  const day = writes * DAY_S
  const appends = profile === 'small' ? day : Math.min(day, assumed.appendsPerSecond * DAY_S)
  const perAppend = appends === 0 ? 0 : day / appends
  const entryBytes = assumed.entryBytes + perAppend * assumed.transactionBytes
  const units = appends * Math.ceil(entryBytes / 1024)
  const writtenGb = (appends * entryBytes) / 1e9
  // Two containers look for news twice a second while nobody tells them any.
  const polls = profile === 'busy' ? 2 * 2 * DAY_S : 0
  // The archive reads what is written, once.
  const reads =
    polls + (writtenGb * 1e9) / 4096 + sumOf(JOBS, ({ runs, asks }) => runs * (asks.GetItem + (asks.Query ?? 0)))
  const jobSeconds = sumOf(
    JOBS,
    ({ runs, gb }) => runs * (p.lambdaRequest + assumed.idleJobSeconds * gb * p.lambdaGbSecond),
  )
  const jobObjects = sumOf(JOBS, ({ runs, asks }) => runs * (asks.list * p.s3Put + asks.get * p.s3Get))
  const items = {
    'API Gateway': day * p.gatewayRequest,
    'log: writes': units * p.writeUnit,
    // To empty a slot costs what filling it did, to delete what is left one unit.
    'log: trimming': (units + appends) * p.writeUnit,
    'log: reads': reads * p.readUnit,
    'log: storage': (writtenGb * assumed.tableDays * p.tableGbMonth) / MONTH_DAYS,
    'functions: API':
      profile === 'small' ? day * (p.lambdaRequest + assumed.requestSeconds * API_GB * p.lambdaGbSecond) : 0,
    'functions: jobs': jobSeconds,
    'S3: snapshots, backups, archive':
      ((assumed.storeGb * (5 + 48 * 1.2) + writtenGb * assumed.archiveDays) * p.s3GbMonth) / MONTH_DAYS + jobObjects,
    containers: profile === 'busy' ? 2 * 24 * (p.fargateCpuHour + 4 * p.fargateGbHour) : 0,
    'balancer, endpoints': profile === 'busy' ? 24 * (p.balancerHour + 4 * 2 * p.endpointHour) : 0,
    'alarms, metrics, secret':
      (ALARM_METRICS * p.alarmMonth + METRICS * p.metricMonth + p.secretMonth + p.dashboardMonth) / MONTH_DAYS,
    'access log': ((day * 350) / 1e9) * p.logGb,
  }
  const total = Object.values(items).reduce((sum, each) => sum + each, 0)
  const amounts = {
    'requests to the API': day,
    'requests to the table': 3 * appends + reads,
    'requests to S3': sumOf(JOBS, ({ runs, asks }) => runs * (asks.list + asks.get)),
    'bytes into the log': writtenGb * 1e9,
  }
  return { items, total, amounts, writeUnitsPerSecond: units / DAY_S }
}

/** What docs/costs.md shows. */
export const CASES = [
  ['small', 0],
  ['small', 10],
  ['small', 100],
  ['busy', 0],
  ['busy', 100],
  ['busy', 5_000],
]

const UNITS = ['', 'k', 'M', 'G']

function short(amount) {
  const step = amount < 1_000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(amount) / 3))
  return `${Number((amount / 1_000 ** step).toPrecision(2))}${UNITS[step]}`
}

/** A table with a column for each case. */
export function costTable(cases = CASES, assumed = ASSUMED) {
  const columns = cases.map(([profile, writes]) => ({ profile, writes, ...costs(profile, writes, assumed) }))
  const title = ({ profile, writes }) => `${profile}, ${writes === 0 ? 'idle' : `${writes}/s`}`
  const row = (name, cell) => `| ${[name, ...columns.map(cell)].join(' | ')} |`
  return [
    row('$ a day', title),
    `|${'---|'.repeat(columns.length + 1)}`,
    ...Object.keys(columns[0].items).map((name) => row(name, ({ items }) => items[name].toFixed(2))),
    row('**together**', ({ total }) => `**${total.toFixed(2)}**`),
    ...Object.keys(columns[0].amounts).map((name) => row(`${name} a day`, ({ amounts }) => short(amounts[name]))),
    row('write units a second', ({ writeUnitsPerSecond }) => Math.round(writeUnitsPerSecond)),
  ].join('\n')
}

function amount(text) {
  const number = Number(text)
  if (text.trim() !== '' && number >= 0 && Number.isFinite(number)) return number
  throw new InvalidArgumentError('a number from 0 on is needed.')
}

function main() {
  const { profile, writes, transactionBytes, storeGb } = new Command('costs')
    .description('what a deployment costs a day, from counted requests and list prices (docs/costs.md)')
    .addOption(new Option('--profile <name>', 'only this one').choices(['small', 'busy']))
    .option('--writes <n>', 'transactions a second, instead of some examples', amount)
    .option('--transaction-bytes <n>', 'of one in the log, compressed with others', amount, ASSUMED.transactionBytes)
    .option('--store-gb <n>', 'size of a snapshot', amount, ASSUMED.storeGb)
    .parse()
    .opts()
  const profiles = profile === undefined ? ['small', 'busy'] : [profile]
  const examples = CASES.filter(([name]) => profiles.includes(name))
  const cases = writes === undefined ? examples : profiles.map((name) => [name, writes])
  console.log(costTable(cases, { ...ASSUMED, transactionBytes, storeGb }))
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) main()
