import { uuidv7 } from 'uuidv7'
import { type LogMark, markOf } from '../../lib/log/chain.ts'
import type { WrittenTransaction } from '../../lib/log/entry.ts'
import { contentHash, hashOfText } from '../../lib/model/canonical.ts'
import type { TaskConfigRow, TaskRow } from '../../lib/model/events.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { taskConfig } from '../../lib/model/task-config.ts'
import { openLog } from '../../lib/node/open-log.ts'
import { short } from './figures.ts'
import { type BenchTask, benchConfig, benchTask, CONFIGS } from './tasks.ts'
import type { Workspace } from './workspace.ts'

/** Transactions in an entry: a batch under load. */
const BATCH = 200

/** The LSN at which the log of a large store has saved so many tasks. */
export function lsnWith(tasks: number): number {
  return Math.ceil(tasks / BATCH)
}

/**
 * Idempotency keys are forgotten after so many transactions, half of them at a time: a log of months has forgotten
 * nearly all of them, and a replay sees them come and go.
 */
const REMEMBERED = 100_000

/**
 * Data folders with many tasks, each made once per run: the log is written directly, with what the writer would have
 * put into it, and no store is behind it. Whoever starts a node on one takes a copy if it is going to write.
 */
export class LargeStores {
  readonly #workspace: Workspace
  readonly #say: (message: string) => void
  readonly #folders = new Map<string, Promise<string>>()

  constructor(workspace: Workspace, say: (message: string) => void) {
    this.#workspace = workspace
    this.#say = say
  }

  /**
   * The data folder of a store with tasks 0 to `tasks - 1`. Not to be changed. `saves`: how often each was saved, the last
   * time as it is.
   */
  folder(tasks: number, configs = CONFIGS, saves: 1 | 3 = 1): Promise<string> {
    const name = `${tasks}-tasks-${configs}-configs${saves === 1 ? '' : `-saved-${saves}-times`}`
    const known = this.#folders.get(name)
    if (known !== undefined) return known
    const made = this.#make(name, { tasks, configs, saves })
    this.#folders.set(name, made)
    return made
  }

  async #make(name: string, content: Content): Promise<string> {
    const folder = await this.#workspace.folder(name)
    const startedAt = performance.now()
    await writeLog(folder, content)
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
    this.#say(`wrote the log of ${short(content.tasks)} tasks with ${content.configs} configs in ${seconds} s`)
    return folder
  }
}

interface Content {
  tasks: number
  configs: number
  saves: 1 | 3
}

async function writeLog(data: string, { tasks, configs, saves }: Content): Promise<void> {
  const context = { runtime: systemRuntime, logger: silentLogger }
  const { log, close } = await openLog({ kind: 'embedded', data, sync: false }, 'main', context)
  try {
    let mark = await log.genesis()
    let remembered = mark
    const append = async (transactions: WrittenTransaction[]) => {
      const encoded = log.encode(mark, log.nextTime(mark), transactions)
      const { kind } = await (await log.append(encoded)).settled
      if (kind !== 'durable') throw new Error(`entry ${encoded.item.lsn} was ${kind}`)
      mark = markOf(encoded.item)
    }
    const events = taskEvents(configs)
    for (let first = 0; first < tasks; first += BATCH) {
      const count = Math.min(BATCH, tasks - first)
      for (const status of STATUSES.slice(-saves)) {
        const transactions = Array.from({ length: count }, (_, index) => events(first + index, status, mark))
        if (first > 0 && first % REMEMBERED === 0) {
          transactions.push(horizonMoved(remembered))
          remembered = mark
        }
        await append(transactions)
      }
    }
    await append([horizonMoved(mark)])
  } finally {
    await close()
  }
}

/** What a task goes through until it is as the others are. */
const STATUSES = ['PENDING', 'ASSIGNED', 'RUNNING'] as const

/** Makes the transaction that saved a task: the first one with a config brings it. */
function taskEvents(configs: number): (number: number, status: Status, mark: LogMark) => WrittenTransaction {
  const ids = new Map<number, string>()
  return (number, status, mark) => {
    const config = benchConfig(number % configs)
    const task = benchTask(number, config)
    const known = ids.get(number % configs)
    const row = known === undefined ? configRow(config.json) : undefined
    const configId = known ?? row!.configId
    ids.set(number % configs, configId)
    return {
      id: systemRuntime.newId(),
      key: uuidv7(),
      principal: 'admin',
      request: hashOfText(`${task.taskId} ${status}`),
      actor: 'admin',
      events: [
        {
          event: 'tasksSaved',
          v: 1,
          tasks: [taskRow(task, configId, status, mark.time)],
          ...(row === undefined ? {} : { configs: [row] }),
        },
      ],
      results: [{ op: 'saveTasks', affected: 1 }],
    }
  }
}

/** As the API would have parsed it, so that the same config has the same id when it comes again. */
function configRow(json: string): TaskConfigRow {
  const config = taskConfig.parse(JSON.parse(json))
  return { configId: contentHash(config), config }
}

type Status = (typeof STATUSES)[number]

/** A task when it has reached a status: with the events until then, and on a host once it is assigned to one. */
function taskRow(task: BenchTask, configId: string, status: Status, createdMs: number): TaskRow {
  const taskEvents = JSON.parse(task.events) as TaskRow['taskEvents']
  return {
    taskId: task.taskId,
    role: task.job.role,
    environment: task.job.environment,
    jobName: task.job.name,
    instanceId: task.instanceId,
    status,
    ...(status === 'PENDING' ? {} : { slaveHost: task.host, slaveId: `agent-${task.host}` }),
    configId,
    failureCount: 0,
    timesPartitioned: 0,
    taskEvents: taskEvents.slice(0, STATUSES.indexOf(status) + 1),
    assignedPorts: JSON.parse(task.ports) as TaskRow['assignedPorts'],
    createdMs,
  }
}

function horizonMoved({ lsn, time }: LogMark): WrittenTransaction {
  return {
    id: systemRuntime.newId(),
    actor: 'boreal',
    reason: 'horizon',
    events: [{ event: 'horizonMoved', v: 1, timeMs: time, beforeLsn: lsn }],
    results: [],
  }
}
