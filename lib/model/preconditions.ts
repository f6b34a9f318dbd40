import * as z from 'zod'
import { jobKeyText } from './job-key.ts'
import { jobUpdateKeyString } from './job-update.ts'
import { identifier, lsn, name } from './scalars.ts'

/**
 * What must hold for a transaction to commit. Checked in the log's order, on the state that its position names.
 *
 * Every row has a `version`, the LSN of its last change. A scope's version is the LSN of the last change of that
 * entity within the scope, kept when its rows are gone, so what a query did not find is protected too.
 */

/** Entities that a precondition can name, and the form of their key. */
const entityKey = {
  task: name,
  job: jobKeyText,
  quota: identifier,
  role: identifier,
  host: name,
  cronJob: jobKeyText,
  hostMaintenance: name,
  jobUpdate: jobUpdateKeyString,
  lock: jobKeyText,
  scheduler: z.literal(''),
} as const

export type Entity = keyof typeof entityKey

export const ENTITIES = Object.keys(entityKey) as [Entity, ...Entity[]]

const scalarValue = z.union([z.string(), z.number(), z.boolean()])

/** `{}` is everything; otherwise exactly one of role, job and host. */
const scope = z
  .strictObject({ role: identifier, job: jobKeyText, host: name })
  .partial()
  .refine((value) => Object.keys(value).length <= 1, 'must name at most one of role, job and host')

export type Scope = z.infer<typeof scope>

/** Which scopes exist for an entity. */
export const SCOPES_OF_ENTITY: Record<Entity, readonly (keyof Scope)[]> = {
  task: ['role', 'job', 'host'],
  job: ['role', 'job'],
  quota: ['role'],
  role: ['role'],
  host: ['host'],
  cronJob: ['role', 'job'],
  hostMaintenance: ['host'],
  jobUpdate: ['role', 'job'],
  lock: ['role', 'job'],
  scheduler: [],
}

/** Fields that `where` may compare. */
export const WHERE_FIELDS: Record<Entity, readonly string[]> = {
  task: ['status', 'failureCount', 'timesPartitioned', 'ancestorId', 'slaveHost', 'slaveId', 'instanceId'],
  job: [],
  quota: [],
  role: [],
  host: ['mode', 'slaveId'],
  cronJob: ['cronSchedule', 'cronCollisionPolicy', 'instanceCount'],
  hostMaintenance: ['timeoutSecs', 'createdTimestampMs'],
  jobUpdate: ['user', 'status'],
  lock: ['token', 'user', 'timestampMs', 'message'],
  scheduler: ['frameworkId'],
}

export const precondition = z
  .strictObject({
    entity: z.enum(ENTITIES),
    key: z.string().optional(),
    version: lsn.optional(),
    exists: z.literal(true).optional(),
    absent: z.literal(true).optional(),
    where: z.record(z.string(), scalarValue).optional(),
    scope: scope.optional(),
    unchangedSince: lsn.optional(),
  })
  .superRefine((value, context) => {
    const problem = problemOf(value)
    if (problem !== undefined) context.addIssue({ code: 'custom', ...problem })
  })

export type Precondition = z.infer<typeof precondition>

function problemOf(value: Precondition): { path?: string[]; message: string } | undefined {
  const about = [value.version, value.exists, value.absent, value.where].filter((field) => field !== undefined).length
  if (value.scope !== undefined || value.unchangedSince !== undefined) {
    if (value.scope === undefined || value.unchangedSince === undefined || value.key !== undefined || about > 0) {
      return { message: 'scope and unchangedSince go together, without key, version, exists, absent or where' }
    }
    const kind = Object.keys(value.scope)[0] as keyof Scope | undefined
    if (kind !== undefined && !SCOPES_OF_ENTITY[value.entity].includes(kind)) {
      return { path: ['scope', kind], message: `is no scope of ${value.entity}` }
    }
    return undefined
  }
  if (value.key === undefined) return { path: ['key'], message: 'is required' }
  if (!entityKey[value.entity].safeParse(value.key).success) {
    return { path: ['key'], message: `is no key of ${value.entity}` }
  }
  if (about !== 1) return { message: 'must have exactly one of version, exists, absent and where' }
  const unknown = Object.keys(value.where ?? {}).find((field) => !WHERE_FIELDS[value.entity].includes(field))
  if (unknown !== undefined) return { path: ['where', unknown], message: `cannot be compared on ${value.entity}` }
  if (value.where !== undefined && Object.keys(value.where).length === 0) {
    return { path: ['where'], message: 'must compare at least one field' }
  }
  return undefined
}
