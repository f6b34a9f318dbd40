import { isDeepStrictEqual } from 'node:util'
import * as z from 'zod'
import { BorealError } from '../../model/errors.ts'
import type { JobKey } from '../../model/job-key.ts'
import { mutateTasks, removeTasks, saveTasks, type taskPatch } from '../../model/operations.ts'
import { name } from '../../model/scalars.ts'
import { type ScheduledTask, scheduledTask, type taskEvent } from '../../model/task.ts'
import { type taskMutationQuery, taskQuery } from '../../model/task-query.ts'
import { parsed } from '../answers.ts'
import { readList, readRecord, withRecord } from '../reads.ts'
import type { Session } from '../session.ts'
import type { JobSummary } from './jobs.ts'
import { findTasks, moved, taskRead } from './task-reads.ts'

/** A task as it is saved: what has a default may be left out. */
export type TaskInput = z.input<typeof scheduledTask>

export interface TaskStore {
  /** Tasks by id that the query finds. Null, absent and empty all mean no restriction. */
  fetch(query?: z.input<typeof taskQuery>): Promise<ScheduledTask[]>
  get(taskId: string): Promise<ScheduledTask | undefined>
  /** Keys of the jobs that have tasks. */
  jobKeys(): Promise<JobKey[]>
}

export interface MutableTaskStore extends TaskStore {
  /** Upserts tasks whole; none at all is nothing to do. */
  save(tasks: readonly TaskInput[]): void
  /**
   * Changes one task; undefined when there is none. The function gets a copy and gives the new task, whose id must be
   * the same; an equal one is not written.
   */
  mutate(taskId: string, change: (task: ScheduledTask) => TaskInput): Promise<ScheduledTask | undefined>
  /** Changes every task that the query finds, when the closure commits. An empty query or list is an error. */
  mutateMany(
    query: z.input<typeof taskMutationQuery>,
    patch: z.input<typeof taskPatch>,
    event?: z.input<typeof taskEvent>,
  ): void
  /** Removes tasks by id or by query; unknown ids are ignored. */
  remove(which: readonly string[] | z.input<typeof taskMutationQuery>): void
}

const ALL = [{ entity: 'task', scope: {} }] as const
const tasksToSave = z.array(scheduledTask)

export function taskStore(session: Session): MutableTaskStore {
  const save = (given: readonly unknown[]) => {
    const operation = parsed(saveTasks, { op: 'saveTasks', tasks: given })
    session.write('task', operation)
    for (const { version: _, ...task } of operation.tasks) session.own.saved('task', task.assignedTask.taskId, task)
    return operation.tasks
  }
  return {
    fetch: async (query = {}) => findTasks(session, parsed(taskQuery, query, 'query')),

    get: async (taskId) => readRecord(session, taskRead(parsed(name, taskId, 'taskId'))),

    async jobKeys() {
      const jobs = await readList<JobSummary>(session, { path: '/v1/jobs', covers: ALL, sees: ['task'] })
      return jobs.filter(({ tasks }) => Object.keys(tasks).length > 0).map(({ key }) => key)
    },

    save(tasks) {
      if (tasks.length > 0) save(tasks)
    },

    mutate: async (taskId, change) =>
      withRecord(session, taskRead(parsed(name, taskId, 'taskId')), (before) => {
        if (before === undefined) return undefined
        const [after] = parsed(tasksToSave, [change(structuredClone(before))], 'tasks')
        if (after!.assignedTask.taskId !== taskId) throw idChanged(taskId, after!)
        if (isDeepStrictEqual(unversioned(before), unversioned(after!))) return before
        const [saved] = save([after])
        return structuredClone(unversioned(saved!))
      }),

    mutateMany(query, patch, event) {
      const operation = parsed(mutateTasks, {
        op: 'mutateTasks',
        query,
        patch,
        ...(event === undefined ? {} : { event }),
      })
      session.write('task', operation)
      session.own.doubt('task', operation.query.taskIds)
      if (operation.patch.task || operation.patch.slaveHost) session.moves.push(moved(session, operation.query))
    },

    remove(which) {
      const what = isIds(which) ? { taskIds: which } : { query: which }
      const operation = parsed(removeTasks, { op: 'removeTasks', ...what })
      session.write('task', operation)
      for (const taskId of operation.taskIds ?? []) session.own.removed('task', taskId)
      if (operation.query !== undefined) session.own.doubt('task', operation.query.taskIds)
    },
  }
}

function isIds(which: readonly string[] | z.input<typeof taskMutationQuery>): which is readonly string[] {
  return Array.isArray(which)
}

function idChanged(taskId: string, { assignedTask }: ScheduledTask): BorealError {
  const message = `must stay ${JSON.stringify(taskId)}, not become ${JSON.stringify(assignedTask.taskId)}`
  const errors = [{ path: 'tasks.0.assignedTask.taskId', message }]
  return new BorealError('invalid_field', `tasks.0.assignedTask.taskId: ${message}`, { errors })
}

function unversioned(task: ScheduledTask): ScheduledTask {
  const { version: _, ...rest } = parsed(scheduledTask, task)
  return rest
}
