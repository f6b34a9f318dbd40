import { uuidv7 } from 'uuidv7'
import { HttpClient } from '../http.ts'
import type { BenchTask } from '../tasks.ts'
import { freePort, ServerProcess } from './process.ts'
import type { Contender, Level, System, SystemOptions } from './system.ts'
import { changeSql, changeValues, KEY_SCHEMA, SELECT_TASK, TASK_SCHEMA, taskValues } from './task-schema.ts'

const LEVELS: Record<Level, string> = { weak: 'weak', consistent: 'linearizable' }

const INSERT = `insert into task values (${'?, '.repeat(17)}?)`
const CHANGE = changeSql(() => '?')

const REMEMBER = 'insert into idempotency values (?, 0, 0, ?)'

/**
 * A single node of rqlite, with its defaults: once as it is, and once with transactions that remember a key each, by which one
 * that was sent again is known. Boreal does that by itself.
 */
export function rqliteContenders(binary: string): Contender[] {
  const contender = (name: string, keys: boolean): Contender => ({
    name,
    durability: 'Raft log synced to disk, each batch',
    levels: ['weak', 'consistent'],
    writesOnly: keys,
    start: (options) => RqliteSystem.start(binary, options, keys),
  })
  return [contender('rqlite', false), contender('rqlite, keys', true)]
}

class RqliteSystem implements System {
  readonly #process: ServerProcess
  readonly #http: HttpClient
  readonly #keys: boolean

  private constructor(process: ServerProcess, http: HttpClient, keys: boolean) {
    this.#process = process
    this.#http = http
    this.#keys = keys
  }

  static async start(binary: string, { folder, connections }: SystemOptions, keys: boolean): Promise<RqliteSystem> {
    const [port, raft] = [await freePort(), await freePort()]
    const server = new ServerProcess(binary, [
      ...['-http-addr', `127.0.0.1:${port}`, '-raft-addr', `127.0.0.1:${raft}`],
      // A node knows itself by its address unless it has a name, and its port is another one at each start.
      ...['-node-id', 'bench', folder],
    ])
    const http = new HttpClient(`http://127.0.0.1:${port}`, connections)
    await server.until(() => http.send('GET', '/readyz'))
    const system = new RqliteSystem(server, http, keys)
    await system.#post('/db/execute?transaction', [...TASK_SCHEMA, ...KEY_SCHEMA])
    return system
  }

  async save(tasks: BenchTask[]): Promise<void> {
    const statements: unknown[] = []
    for (const { configId, config } of new Map(tasks.map((task) => [task.configId, task])).values()) {
      statements.push(['insert or ignore into task_config values (?, ?)', configId, config])
    }
    for (const task of tasks) statements.push([INSERT, ...taskValues(task)])
    await this.#execute(statements)
  }

  async change({ taskId }: BenchTask, from: string, to: string): Promise<void> {
    const answer = await this.#execute([[CHANGE, ...changeValues(taskId, from, to)]])
    // It leaves out what is zero, and with a key there is another statement before.
    const { results } = JSON.parse(answer) as { results: { rows_affected?: number }[] }
    if (results.at(-1)!.rows_affected !== 1) throw new Error(`no task ${taskId} is ${from}: ${answer}`)
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

  #execute(statements: unknown[]): Promise<string> {
    const remembering = this.#keys ? [[REMEMBER, uuidv7(), Date.now()]] : []
    return this.#post('/db/execute?transaction', [...remembering, ...statements])
  }

  async #post(path: string, statements: unknown[]): Promise<string> {
    const answer = await this.#http.send('POST', path, JSON.stringify(statements))
    if (answer.includes('"error"')) throw new Error(answer.slice(0, 500))
    return answer
  }
}
