import { expect } from 'vitest'
import { config, type TaskOverrides, task } from './records.ts'
import type { TestApi } from './test-api.ts'

/** A config of a job in a role of the test's own. */
export function configIn(role: string, name = 'hello', environment = 'prod') {
  return config({ job: { role, environment, name } })
}

/** A task in a role of the test's own. */
export function taskIn(role: string, taskId: string, overrides: TaskOverrides = {}) {
  return task(taskId, { task: configIn(role), ...overrides })
}

/** The task store as Aurora has it, spoken over HTTP. */
export class TaskStore {
  readonly #api: TestApi

  constructor(api: TestApi) {
    this.#api = api
  }

  /** Saves tasks; gives their version. */
  async save(...tasks: unknown[]): Promise<number> {
    const { status, body } = await this.#api.transact([{ op: 'saveTasks', tasks }])
    expect(status, JSON.stringify(body)).toBe(200)
    return body.lsn
  }

  /** Changes what a query finds; gives the ids. */
  async mutate(query: object, patch: object): Promise<string[]> {
    const { status, body } = await this.#api.transact([{ op: 'mutateTasks', query, patch }])
    expect(status, JSON.stringify(body)).toBe(200)
    return body.results[0].taskIds
  }

  /** Removes tasks; gives the ids of those that were there. */
  async remove(...taskIds: string[]): Promise<string[]> {
    const { status, body } = await this.#api.transact([{ op: 'removeTasks', taskIds }])
    expect(status, JSON.stringify(body)).toBe(200)
    return body.results[0].taskIds
  }

  /** The record of one task, or the problem. */
  // biome-ignore lint/suspicious/noExplicitAny: a record as it came.
  async fetch(taskId: string): Promise<any> {
    return (await this.#api.get(`/v1/tasks/${encodeURIComponent(taskId)}`)).body
  }

  /** Ids of the tasks that a query string finds, over all pages. */
  async ids(query: string): Promise<string[]> {
    return (await this.#api.list(`/v1/tasks?${query}`)).map((found) => found.assignedTask.taskId)
  }
}
