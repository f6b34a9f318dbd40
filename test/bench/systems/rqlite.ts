import { HttpClient } from '../http.ts'
import type { BenchTask } from '../tasks.ts'
import { freePort, ServerProcess } from './process.ts'
import type { Contender, Level, System, SystemOptions } from './system.ts'
import { changeSql, changeValues, SELECT_TASK, TASK_SCHEMA, taskValues } from './task-schema.ts'

const LEVELS: Record<Level, string> = { weak: 'weak', consistent: 'linearizable' }

const INSERT = `insert into task values (${'?, '.repeat(17)}?)`
const CHANGE = changeSql(() => '?')

/** A single node of rqlite, with its defaults. */
export function rqliteContender(binary: string): Contender {
  return {
    name: 'rqlite',
    durability: 'Raft log synced to disk, each batch',
    levels: ['weak', 'consistent'],
    start: (options) => RqliteSystem.start(binary, options),
  }
}

class RqliteSystem implements System {
  readonly #process: ServerProcess
  readonly #http: HttpClient

  private constructor(process: ServerProcess, http: HttpClient) {
    this.#process = process
    this.#http = http
  }

  static async start(binary: string, { folder, connections }: SystemOptions): Promise<RqliteSystem> {
    const [port, raft] = [await freePort(), await freePort()]
    const server = new ServerProcess(binary, [
      ...['-http-addr', `127.0.0.1:${port}`, '-raft-addr', `127.0.0.1:${raft}`],
      // A node knows itself by its address unless it has a name, and its port is another one at each start.
      ...['-node-id', 'bench', folder],
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
    for (const task of tasks) statements.push([INSERT, ...taskValues(task)])
    await this.#post('/db/execute?transaction', statements)
  }

  async change({ taskId }: BenchTask, from: string, to: string): Promise<void> {
    const answer = await this.#post('/db/execute?transaction', [[CHANGE, ...changeValues(taskId, from, to)]])
    if (!answer.includes('"rows_affected":1')) throw new Error(`no task ${taskId} is ${from}: ${answer}`)
  }

  async point(taskId: string, level: Level): Promise<void> {
    const path = `/db/query?level=${LEVELS[level]}`
    const answer = await this.#post(path, [[`${SELECT_TASK} where t.task_id = ?`, taskId]])
    if (!answer.includes('"values"')) throw new Error(`there is no ${taskId}: ${answer}`)
  }

  async page({ jobId }: BenchTask, level: Level): Promise<void> {
    const sql = `${SELECT_TASK} where t.job_id = ? order by t.task_id limit 100`
    await this.#post(`/db/query?level=${LEVELS[level]}`, [[sql, jobId]])
  }

  async count(): Promise<number> {
    const answer = await this.#post('/db/query?level=linearizable', ['select count(*) from task'])
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
