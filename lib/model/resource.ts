import * as z from 'zod'
import { amount, name, oneOf, setOf, size64 } from './scalars.ts'

/** One resource: exactly one of the five kinds. */
export const resource = oneOf({ numCpus: amount, ramMb: size64, diskMb: size64, namedPort: name, numGpus: size64 })

export type Resource = z.infer<typeof resource>

export const resources = setOf(resource)

const QUOTA_KINDS = ['numCpus', 'ramMb', 'diskMb'] as const

/** What a role may use: exactly CPU, RAM and disk, once each. */
export const quota = z.strictObject({
  resources: resources.refine(
    (items) =>
      items.length === QUOTA_KINDS.length &&
      QUOTA_KINDS.every((kind) => items.some((item) => item[kind] !== undefined)),
    'must be exactly numCpus, ramMb and diskMb, once each',
  ),
})

export type Quota = z.infer<typeof quota>

/** The amount of one kind in a list of resources; absent when the list has none. */
export function amountOf<K extends keyof Resource>(items: Resource[], kind: K): Resource[K] | undefined {
  return items.find((item) => item[kind] !== undefined)?.[kind]
}
