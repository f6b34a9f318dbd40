import { saveFrameworkId } from '../../model/operations.ts'
import { parsed } from '../answers.ts'
import { readRecord } from '../reads.ts'
import type { Session } from '../session.ts'

/** What the scheduler keeps about itself. */
export interface SchedulerStore {
  /** The id under which its cluster knows it. */
  frameworkId(): Promise<string | undefined>
}

export interface MutableSchedulerStore extends SchedulerStore {
  saveFrameworkId(id: string): void
}

interface SchedulerRecord {
  frameworkId?: string
  version?: number
}

export function schedulerStore(session: Session): MutableSchedulerStore {
  return {
    async frameworkId() {
      const record = await readRecord<SchedulerRecord>(session, { path: '/v1/scheduler', entity: 'scheduler', key: '' })
      return record?.frameworkId
    },

    saveFrameworkId(id) {
      const operation = parsed(saveFrameworkId, { op: 'saveFrameworkId', id })
      session.write('scheduler', operation)
      session.own.saved('scheduler', '', { frameworkId: operation.id })
    },
  }
}
