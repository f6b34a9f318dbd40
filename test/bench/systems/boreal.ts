import { fileURLToPath } from 'node:url'
import { uuidv7 } from 'uuidv7'
import { HttpClient } from '../http.ts'
import type { BenchTask } from '../tasks.ts'
import { ServerProcess } from './process.ts'
import type { Level, System, SystemOptions } from './system.ts'

const TOKEN = 'bench'

export interface BorealOptions extends SystemOptions {
  /** Embedded: whether each append waits for the disk. Default true. */
  sync?: boolean
  /** More arguments of `boreal start`, e.g. another table. */
  args?: string[]
  env?: Record<string, string>
}

/** Boreal as a user starts it: `boreal start`, with the embedded table unless told otherwise. */
export class BorealSystem implements System {
  readonly name: string
  readonly durability: string
  readonly process: ServerProcess
  readonly http: HttpClient

  private constructor(options: BorealOptions, process: ServerProcess, url: string) {
    const sync = options.sync ?? true
    this.name = sync ? 'boreal' : 'boreal --no-sync'
    this.durability = sync
      ? 'synced to disk, each group commit'
      : 'written, not synced: survives a kill, not power loss'
    this.process = process
    this.http = new HttpClient(url, options.connections, { authorization: `Bearer ${TOKEN}` })
  }

  static async start(options: BorealOptions): Promise<BorealSystem> {
    const { folder, sync = true, args = ['--data', folder], env = {} } = options
    // The bundle runs in dist/, two levels of test/bench/ away or one: the program knows the root.
    const boreal = fileURLToPath(new URL('../bin/boreal.mjs', import.meta.url))
    const flags = [...args, '--port', '0', '--max-tasks-per-job', '1000000', '--store-mb', '16000']
    const server = new ServerProcess(process.execPath, [boreal, 'start', ...flags, ...(sync ? [] : ['--no-sync'])], {
      env: { BOREAL_TOKEN: TOKEN, ...env },
    })
    const [, url] = await server.said(/ready at (http:\/\/[\w.:]+)/)
    return new BorealSystem(options, server, url!)
  }

  async save(tasks: BenchTask[]): Promise<void> {
    await this.#submit(`{"operations":[{"op":"saveTasks","tasks":[${tasks.map(taskJson).join(',')}]}]}`)
  }

  async change(task: BenchTask, from: string, to: string): Promise<void> {
    await this.#submit(
      `{"preconditions":[{"entity":"task","key":"${task.taskId}","where":{"status":"${from}"}}],` +
        `"operations":[{"op":"mutateTasks","query":{"taskIds":["${task.taskId}"]},"patch":{"status":"${to}"},` +
        `"event":{"timestamp":1478000000000,"status":"${to}"}}]}`,
    )
  }

  async point(taskId: string, level: Level): Promise<void> {
    await this.http.send('GET', `/v1/tasks/${taskId}?consistency=${level}`)
  }

  async page({ job }: BenchTask, level: Level): Promise<void> {
    const { role, environment, name } = job
    await this.http.send(
      'GET',
      `/v1/tasks?role=${role}&environment=${environment}&jobName=${name}&limit=100&consistency=${level}`,
    )
  }

  async count(): Promise<number> {
    const answer = await this.http.send('POST', '/v1/query', '{"sql":"select count(*) from task"}')
    return Number((JSON.parse(answer) as { rows: unknown[][] }).rows[0]![0])
  }

  async stop(): Promise<void> {
    await this.http.close()
    await this.process.stop()
  }

  async #submit(body: string): Promise<void> {
    await this.http.send('POST', '/v1/transactions', body, { 'idempotency-key': uuidv7() })
  }
}

export function taskJson(task: BenchTask): string {
  return (
    `{"assignedTask":{"taskId":"${task.taskId}","instanceId":${task.instanceId},"slaveHost":"${task.host}",` +
    `"slaveId":"agent-${task.host}","assignedPorts":${task.ports},"task":${task.config}},` +
    `"status":"${task.status}","failureCount":0,"taskEvents":${task.events}}`
  )
}
