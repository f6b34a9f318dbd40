import * as z from 'zod'
import { jobKey } from './job-key.ts'
import { remembered } from './remembered.ts'
import { resources } from './resource.ts'
import { int32, int64, mapOf, name, oneOf, setOf, text } from './scalars.ts'

/** What to run and how: Aurora's TaskConfig with every field it has. Stored once by content hash. */

const metadata = z.strictObject({ key: text, value: text })

const constraint = z.strictObject({
  name,
  constraint: oneOf({
    value: z.strictObject({ negated: z.boolean().default(false), values: setOf(text) }),
    limit: z.strictObject({ limit: int32 }),
  }),
})

const image = oneOf({
  docker: z.strictObject({ name: text, tag: text.optional() }),
  appc: z.strictObject({ name: text, imageId: text }),
})

/** Volumes are a list, not a set: their order is kept. */
const volume = z.strictObject({ containerPath: text, hostPath: text, mode: z.enum(['RW', 'RO']) })

const container = oneOf({
  mesos: z.strictObject({ image: image.optional(), volumes: z.array(volume).optional() }),
  docker: z.strictObject({
    image: text,
    parameters: z.array(z.strictObject({ name: text, value: text })).optional(),
  }),
})

const fetcherUri = z.strictObject({
  value: text,
  extract: z.boolean().optional(),
  cache: z.boolean().optional(),
  outputFile: text.optional(),
})

const durationSecs = int64

/** How many instances a job may have down at once, and who decides. */
export const slaPolicy = oneOf({
  percentage: z.strictObject({ percentage: z.number(), durationSecs }),
  count: z.strictObject({ count: int64, durationSecs }),
  coordinator: z.strictObject({ coordinatorUrl: text, statusKey: text.optional() }),
})

/** How many distinct configs are kept at hand; each takes a few kilobytes. */
const MAX_REMEMBERED = 4_096

const config = z.strictObject({
  job: jobKey,
  /** Deprecated in Aurora, kept because records carry it. */
  owner: z.strictObject({ user: text }).optional(),
  isService: z.boolean().default(false),
  priority: int32.default(0),
  maxTaskFailures: int32.default(1),
  /** Deprecated in Aurora in favour of `tier`. */
  production: z.boolean().optional(),
  tier: text.optional(),
  resources: resources.default([]),
  constraints: setOf(constraint).optional(),
  mesosFetcherUris: setOf(fetcherUri).optional(),
  taskLinks: mapOf(text).optional(),
  contactEmail: text.optional(),
  executorConfig: z.strictObject({ name: text, data: text.optional() }).optional(),
  /** A set of pairs, not a map: one key may stand twice. */
  metadata: setOf(metadata).optional(),
  partitionPolicy: z.strictObject({ reschedule: z.boolean(), delaySecs: int64.optional() }).optional(),
  slaPolicy: slaPolicy.optional(),
  container: container.default({ mesos: {} }),
})

export const taskConfig = remembered(config, MAX_REMEMBERED)

export type TaskConfig = z.infer<typeof taskConfig>
