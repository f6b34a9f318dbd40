import { config, task } from './records.ts'

const SLICE = 10_000

/** Operations that save so many tasks, in 2,000 jobs on 5,000 hosts, some thousand at a time. */
export function* largeSlices(tasks: number): Generator<object> {
  for (let from = 0; from < tasks; from += SLICE) {
    yield {
      op: 'saveTasks',
      tasks: Array.from({ length: Math.min(SLICE, tasks - from) }, (_, index) => {
        const id = from + index
        const job = { role: `r${id % 20}`, environment: 'prod', name: `j${id % 2_000}` }
        return task(`t-${id}`, {
          ...{ status: 'RUNNING', instanceId: id, task: config({ job }), slaveHost: `h${id % 5_000}` },
        })
      }),
    }
  }
}
