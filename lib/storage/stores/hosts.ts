import { isDeepStrictEqual } from 'node:util'
import type * as z from 'zod'
import {
  type HostAttributes,
  hostAttributes,
  type MaintenanceMode,
  maintenanceMode,
} from '../../model/host-attributes.ts'
import { removeHostAttributes, saveHostAttributes } from '../../model/operations.ts'
import { name } from '../../model/scalars.ts'
import { parsed } from '../answers.ts'
import { pathOf, type RecordRead, readList, readRecord, withRecord } from '../reads.ts'
import type { Session } from '../session.ts'

/** What hosts are, and whether they are in maintenance. */
export interface HostStore {
  /** Hosts by name, of one mode or of several if any are named. */
  list(of?: { mode?: MaintenanceMode | MaintenanceMode[] | null }): Promise<HostAttributes[]>
  get(host: string): Promise<HostAttributes | undefined>
}

export interface MutableHostStore extends HostStore {
  /** Replaces the whole record. True if it differs from the one before; an equal one is not written. */
  save(attributes: z.input<typeof hostAttributes>): Promise<boolean>
  /** Silent when there is none. */
  remove(host: string): void
}

const ALL = [{ entity: 'host', scope: {} }] as const

export function hostStore(session: Session): MutableHostStore {
  const at = (host: string): RecordRead<HostAttributes> => {
    return { path: `/v1/hosts/${encodeURIComponent(host)}`, entity: 'host', key: host }
  }
  return {
    async list({ mode } = {}) {
      const modes = parsed(maintenanceMode.array(), [mode ?? []].flat(), 'mode')
      return readList(session, { path: pathOf('/v1/hosts', { mode: modes }), covers: ALL, sees: ['host'] })
    },

    get: async (host) => readRecord(session, at(parsed(name, host, 'host'))),

    async save(attributes) {
      const operation = parsed(saveHostAttributes, { op: 'saveHostAttributes', hostAttributes: attributes })
      const { version: _, ...next } = operation.hostAttributes
      return withRecord(session, at(next.host), (before) => {
        if (before !== undefined && isDeepStrictEqual(unversioned(before), next)) return false
        session.write('host', operation)
        session.own.saved('host', next.host, next)
        return true
      })
    },

    remove(host) {
      const operation = parsed(removeHostAttributes, { op: 'removeHostAttributes', host })
      session.write('host', operation)
      session.own.removed('host', operation.host)
    },
  }
}

function unversioned(attributes: HostAttributes) {
  const { version: _, ...rest } = parsed(hostAttributes, attributes)
  return rest
}
