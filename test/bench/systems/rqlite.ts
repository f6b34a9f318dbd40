import { HttpClient } from '../http.ts'
import type { BenchTask } from '../tasks.ts'
import { freePort, ServerProcess } from './process.ts'
import type { Level, System, SystemOptions } from './system.ts'
import { TASK_SCHEMA } from './task-schema.ts'

const LEVELS: Record<Level, string> = { weak: 'weak', consistent: 'linearizable' }

const ONE_TASK =
  'select t.task_id, t.job_id, t.role, t.environment, t.job_name, t.instance_id, t.status, t.slave_host, t.slave_id, ' +
  't.failure_count, t.times_partitioned, t.ancestor_id, t.task_events, t.assigned_ports, t.version, c.config ' +
  'from task t join task_config c using (config_id) '

/** A single node of rqlite; its binary is named by RQLITED. */
export class RqliteSystem implements System {
  readonly name = 'rqlite'
  readonly durability = 'Raft log synced to disk, each batch'
  readonly #process: ServerProcess
  readonly #http: HttpClient

  private constructor(process: ServerProcess, http: HttpClient) {
    this.#process = process
    this.#http = http
  }

  static async start({ folder, connections }: SystemOptions): Promise<RqliteSystem> {
    const [port, raft] = [await freePort(), await freePort()]
    const server = new ServerProcess(process.env.RQLITED!, [
      ...['-http-addr', `127.0.0.1:${port}`, '-raft-addr', `127.0.0.1:${raft}`],
      folder,
    ])
    const http = new HttpClient(`http://127.0.0.1:${port}`, connections)
    await server.until(() => http.send('GET', '/readyz'))
    const system = new RqliteSystem(server, http)
    await system.#post('/db/execute?transaction', TASK_SCHEMA)
    return system
  }

  async save(tasks: BenchTask[]): Promise<void> {
    const statements: unknown[] = []
    for (const { configId, config } of new Map(tasks.map((task) => [task.configId, task])).values()) {
      statements.push(['insert or ignore into task_config values (?, ?)', configId, config])
    }
    for (const task of tasks) {
      const { role, environment, name } = task.job
      statements.push([
        'insert into task values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        ...[task.taskId, task.jobId, role, environment, name, task.instanceId, task.status, task.host],
        ...[`agent-${task.host}`, task.configId, 0, 0, null, task.events, task.ports, 1],
      ])
    }
    await this.#post('/db/execute?transaction', statements)
  }

  async change(task: BenchTask, from: string, to: string): Promise<void> {
    const event = `{"timestamp":1478000000000,"status":"${to}"}`
    const sql =
      "update task set status = ?, task_events = json_insert(task_events, '$[#]', json(?)), version = version + 1 " +
      'where task_id = ? and status = ?'
    const answer = await this.#post('/db/execute?transaction', [[sql, to, event, task.taskId, from]])
    if (!answer.includes('"rows_affected":1')) throw new Error(`no task ${task.taskId} is ${from}: ${answer}`)
  }

  async point(taskId: string, level: Level): Promise<void> {
    const path = `/db/query?level=${LEVELS[level]}`
    const answer = await this.#post(path, [[`${ONE_TASK} where t.task_id = ?`, taskId]])
    if (!answer.includes('"values"')) throw new Error(`there is no ${taskId}: ${answer}`)
  }

  async page(job: BenchTask, level: Level): Promise<void> {
    const sql = `${ONE_TASK} where t.job_id = ? order by t.task_id limit 100`
    await this.#post(`/db/query?level=${LEVELS[level]}`, [[sql, job.jobId]])
  }

  async count(): Promise<number> {
    const answer = await this.#post('/db/query', ['select count(*) from task'])
    return (JSON.parse(answer) as { results: { values: number[][] }[] }).results[0]!.values[0]![0]!
  }

  async stop(): Promise<void> {
    await this.#http.close()
    await this.#process.stop()
  }

  async #post(path: string, statements: unknown[]): Promise<string> {
    const answer = await this.#http.send('POST', path, JSON.stringify(statements))
    if (answer.includes('"error"')) throw new Error(answer.slice(0, 500))
    return answer
  }
}
