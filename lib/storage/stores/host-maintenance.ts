import type * as z from 'zod'
import type { HostMaintenanceRequest, hostMaintenanceRequest } from '../../model/host-maintenance.ts'
import { removeHostMaintenanceRequest, saveHostMaintenanceRequest } from '../../model/operations.ts'
import { name } from '../../model/scalars.ts'
import { parsed } from '../answers.ts'
import { readList, readRecord } from '../reads.ts'
import type { Session } from '../session.ts'

/** Hosts that are to be drained. */
export interface HostMaintenanceStore {
  list(): Promise<HostMaintenanceRequest[]>
  get(host: string): Promise<HostMaintenanceRequest | undefined>
}

export interface MutableHostMaintenanceStore extends HostMaintenanceStore {
  /** Upserts. */
  save(request: z.input<typeof hostMaintenanceRequest>): void
  /** Silent when there is none. */
  remove(host: string): void
}

const ENTITY = 'hostMaintenance'
const ALL = [{ entity: ENTITY, scope: {} }] as const

export function hostMaintenanceStore(session: Session): MutableHostMaintenanceStore {
  return {
    list: () => readList(session, { path: '/v1/host-maintenance', covers: ALL, sees: [ENTITY] }),

    async get(given) {
      const host = parsed(name, given, 'host')
      const path = `/v1/host-maintenance/${encodeURIComponent(host)}`
      return readRecord(session, { path, entity: ENTITY, key: host })
    },

    save(request) {
      const operation = parsed(saveHostMaintenanceRequest, { op: 'saveHostMaintenanceRequest', request })
      const { version: _, ...record } = operation.request
      session.write(ENTITY, operation)
      session.own.saved(ENTITY, record.host, record)
    },

    remove(host) {
      const operation = parsed(removeHostMaintenanceRequest, { op: 'removeHostMaintenanceRequest', host })
      session.write(ENTITY, operation)
      session.own.removed(ENTITY, operation.host)
    },
  }
}
