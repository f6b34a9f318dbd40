import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { HttpClient } from '../http.ts'
import type { BenchTask } from '../tasks.ts'
import { POSTGRES_CONNECTIONS, PostgresServer } from './postgres-server.ts'
import { POSTGRES_STATEMENTS, type PostgresAnswer, type PostgresConnection } from './postgres-statements.ts'
import { ServerProcess } from './process.ts'
import type { Contender, System, SystemOptions } from './system.ts'
import { changeValues, taskValues } from './task-schema.ts'

const DURABILITY = 'WAL synced to disk, each group of commits (synchronous_commit)'

/** PostgreSQL twice: behind a thin HTTP front, as the other servers are, and directly, as the limit. */
export function postgresContenders(programs: string): Contender[] {
  const contender = (name: string, connect: Connect): Contender => ({
    name,
    durability: DURABILITY,
    levels: ['consistent'],
    start: async ({ folder, connections }: SystemOptions) => {
      const server = await PostgresServer.start(programs, folder)
      return new PostgresSystem(server, await connect(server.port, connections))
    },
  })
  return [contender('postgres http', overHttp), contender('postgres', directly)]
}

type Connect = (port: number, connections: number) => Promise<PostgresConnection>

const overHttp: Connect = async (port, connections) => {
  const program = fileURLToPath(new URL('bench-postgres-front.js', import.meta.url))
  const front = new ServerProcess(process.execPath, [program, String(port), String(POSTGRES_CONNECTIONS)])
  const [, url] = await front.said(/front at (\S+)/)
  const http = new HttpClient(url!, connections)
  return {
    run: async (name, values) => JSON.parse(await http.send('POST', `/${name}`, JSON.stringify(values))),
    close: async () => {
      await http.close()
      await front.stop()
    },
  }
}

const directly: Connect = async (port, connections) => {
  const max = Math.min(connections, POSTGRES_CONNECTIONS)
  const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'bench', database: 'postgres', max })
  // The server may end a connection that is being closed.
  pool.on('error', () => undefined)
  return {
    run: async (name, values) =>
      (await pool.query({ name, text: POSTGRES_STATEMENTS[name], values })) as unknown as PostgresAnswer,
    close: () => pool.end(),
  }
}

class PostgresSystem implements System {
  readonly #server: PostgresServer
  readonly #connection: PostgresConnection

  constructor(server: PostgresServer, connection: PostgresConnection) {
    this.#server = server
    this.#connection = connection
  }

  async save(tasks: BenchTask[]): Promise<void> {
    const [task] = tasks
    if (tasks.length === 1) await this.#connection.run('saveOne', [...taskValues(task!), task!.config])
    else await this.#connection.run('saveMany', manyValues(tasks))
  }

  async change({ taskId }: BenchTask, from: string, to: string): Promise<void> {
    const { rowCount } = await this.#connection.run('change', changeValues(taskId, from, to))
    if (rowCount !== 1) throw new Error(`no task ${taskId} is ${from}`)
  }

  async point(taskId: string): Promise<void> {
    const { rows } = await this.#connection.run('point', [taskId])
    if (rows.length !== 1) throw new Error(`there is no ${taskId}`)
  }

  async page({ jobId }: BenchTask): Promise<void> {
    await this.#connection.run('page', [jobId])
  }

  async count(): Promise<number> {
    return (await this.#connection.run('count', [])).rows[0]!.count as number
  }

  async stop(): Promise<void> {
    await this.#connection.close()
    await this.#server.stop()
  }
}

/** Tasks and their configs as records of the two tables, in the order of their keys so that no two commits lock up. */
function manyValues(tasks: BenchTask[]): string[] {
  const rows = tasks.map((task) => ({
    task_id: task.taskId,
    job_id: task.jobId,
    role: task.job.role,
    environment: task.job.environment,
    job_name: task.job.name,
    instance_id: task.instanceId,
    status: task.status,
    slave_host: task.host,
    slave_id: `agent-${task.host}`,
    config_id: task.configId,
    failure_count: 0,
    times_partitioned: 0,
    task_events: task.events,
    assigned_ports: task.ports,
    created_ms: task.createdMs,
    updated_ms: task.createdMs,
    version: 1,
  }))
  const configs = new Map(tasks.map(({ configId, config }) => [configId, { config_id: configId, config }]))
  const sorted = [...configs.values()].sort((a, b) => (a.config_id < b.config_id ? -1 : 1))
  return [JSON.stringify(rows), JSON.stringify(sorted)]
}
