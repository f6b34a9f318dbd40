import type { BorealClient } from '../../client/client.ts'
import type { ScheduleStatus } from '../../model/schedule-status.ts'
import type { Plan } from './changes.ts'

/** Where the store does not hold what was counted. */
export interface Difference {
  role: string
  status: string
  expected: number
  found: number
}

/** Counts the tasks of the replay in the store, by role and status, and compares. */
export async function checkStates(
  client: BorealClient,
  expected: Plan['expected'],
  prefix: string,
): Promise<{ found: Plan['expected']; differences: Difference[] }> {
  const { body } = await client.request<{ rows: { role: string; status: ScheduleStatus; tasks: number }[] }>(
    'POST',
    '/v1/query',
    {
      body: {
        sql: `select role, status, count(*)::int as tasks from task where starts_with(task_id, $1) group by 1, 2`,
        params: [prefix],
      },
    },
  )
  const found: Plan['expected'] = new Map()
  for (const { role, status, tasks } of body.rows) {
    if (!found.has(role)) found.set(role, new Map())
    found.get(role)!.set(status, tasks)
  }
  const differences: Difference[] = []
  for (const role of new Set([...expected.keys(), ...found.keys()])) {
    const statuses = new Set([...(expected.get(role)?.keys() ?? []), ...(found.get(role)?.keys() ?? [])])
    for (const status of statuses) {
      const counted = expected.get(role)?.get(status) ?? 0
      const there = found.get(role)?.get(status) ?? 0
      if (counted !== there) differences.push({ role, status, expected: counted, found: there })
    }
  }
  return { found, differences }
}
