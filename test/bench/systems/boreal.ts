import { fileURLToPath } from 'node:url'
import { uuidv7 } from 'uuidv7'
import { HttpClient } from '../http.ts'
import type { BenchTask } from '../tasks.ts'
import { ServerProcess } from './process.ts'
import type { Contender, Level, System, SystemOptions } from './system.ts'

/** Token of every node that is measured. */
export const TOKEN = 'bench'

export interface BorealOptions extends SystemOptions {
  /** Embedded: whether each append waits for the disk. Default true. */
  sync?: boolean
  /** Whether transactions carry idempotency keys, as those of our own client do. Default true. */
  keys?: boolean
  /** Where the log is, instead of the folder: arguments of `boreal start`. */
  args?: string[]
  env?: Record<string, string>
}

export const boreal: Contender = {
  name: 'boreal',
  durability: 'log synced to disk, each group of commits',
  levels: ['weak', 'consistent'],
  start: (options) => BorealSystem.start(options),
}

/** Does what its peers do: a transaction that was sent again is another one. */
export const borealNoKeys: Contender = {
  ...boreal,
  name: 'boreal, no keys',
  writesOnly: true,
  start: (options) => BorealSystem.start({ ...options, keys: false }),
}

export const borealNoSync: Contender = {
  ...boreal,
  name: 'boreal --no-sync',
  durability: 'log written, not synced: survives a kill, not a power loss',
  writesOnly: true,
  start: (options) => BorealSystem.start({ ...options, sync: false }),
}

/** Flags of every node: nothing is refused or pruned while one measures. */
const FLAGS = ['--port', '0', '--max-tasks-per-job', '1000000', '--store-mb', '16000', '--prune-minutes', '0']

/** The launcher, from the built bundle. */
const LAUNCHER = fileURLToPath(new URL('../bin/boreal.mjs', import.meta.url))

/** Runs a command of `boreal`. */
export function runBoreal(args: string[], env: Record<string, string> = {}): ServerProcess {
  return new ServerProcess(process.execPath, [LAUNCHER, ...args], { env: { BOREAL_TOKEN: TOKEN, ...env } })
}

/** Boreal as a user starts it: `boreal start`, with the embedded table unless told otherwise. */
export class BorealSystem implements System {
  readonly process: ServerProcess
  readonly http: HttpClient
  readonly url: string
  /** From the start of the process until it says that it is ready. */
  readonly readyMs: number
  readonly #keys: boolean

  private constructor(
    process: ServerProcess,
    url: string,
    readyMs: number,
    { connections, keys = true }: Pick<BorealOptions, 'connections' | 'keys'>,
  ) {
    this.process = process
    this.url = url
    this.readyMs = readyMs
    this.#keys = keys
    this.http = new HttpClient(url, connections, { authorization: `Bearer ${TOKEN}` })
  }

  static async start(options: BorealOptions): Promise<BorealSystem> {
    const { folder, sync = true, args, env } = options
    const where = args ?? ['--data', folder, ...(sync ? [] : ['--no-sync'])]
    const startedAt = performance.now()
    const server = runBoreal(['start', ...where, ...FLAGS], env)
    const [, url] = await server.said(/ready at (http:\/\/[\w.:]+)/)
    return new BorealSystem(server, url!, performance.now() - startedAt, options)
  }

  async save(tasks: BenchTask[]): Promise<void> {
    await this.submit(`{"operations":[{"op":"saveTasks","tasks":[${tasks.map(taskJson).join(',')}]}]}`)
  }

  async change(task: BenchTask, from: string, to: string): Promise<void> {
    await this.submit(
      `{"preconditions":[{"entity":"task","key":"${task.taskId}","where":{"status":"${from}"}}],` +
        `"operations":[{"op":"mutateTasks","query":{"taskIds":["${task.taskId}"]},"patch":{"status":"${to}"},` +
        `"event":{"timestamp":1478000000000,"status":"${to}"}}]}`,
    )
  }

  async point(taskId: string, level: Level): Promise<void> {
    await this.http.send('GET', `/v1/tasks/${taskId}${LEVELS[level]}`)
  }

  async page({ jobId }: BenchTask, level: Level): Promise<void> {
    await this.http.send('GET', `/v1/tasks${LEVELS[level]}&jobKey=${encodeURIComponent(jobId)}&limit=100`)
  }

  async count(): Promise<number> {
    const answer = await this.http.send('POST', '/v1/query', '{"sql":"select count(*) as count from task"}')
    return Number((JSON.parse(answer) as { rows: { count: number | string }[] }).rows[0]!.count)
  }

  /** One transaction. */
  submit(body: string): Promise<string> {
    const headers = this.#keys ? { 'idempotency-key': uuidv7() } : undefined
    return this.http.send('POST', '/v1/transactions', body, headers)
  }

  async stop(): Promise<void> {
    await this.http.close()
    await this.process.stop()
  }
}

const LEVELS: Record<Level, string> = { weak: '?consistency=weak', consistent: '?consistency=consistent' }

function taskJson(task: BenchTask): string {
  return (
    `{"assignedTask":{"taskId":"${task.taskId}","instanceId":${task.instanceId},"slaveHost":"${task.host}",` +
    `"slaveId":"agent-${task.host}","assignedPorts":${task.ports},"task":${task.config}},` +
    `"status":"${task.status}","failureCount":0,"taskEvents":${task.events}}`
  )
}
