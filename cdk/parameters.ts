import * as z from 'zod'

/** Days for which CloudWatch can keep a log. */
const LOG_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 731, 1827, 3653] as const

/** A number, which comes as text from the command line (`-c apiMemoryMb=2048`). */
const number = (least: number, most: number, unit = '') =>
  z.coerce
    .number(`must be a number${unit}`)
    .int()
    .min(least, `must be at least ${least}${unit}`)
    .max(most, `must be at most ${most}${unit}`)

/** What a deployment can choose. */
export const parametersSchema = z.strictObject({
  /** `small`: the API is a Lambda function. `busy`: leader and standby are containers. */
  profile: z.enum(['small', 'busy']).default('small'),
  /** `dev` goes away with its stack; `production` keeps table, buckets and logs. */
  stage: z.enum(['production', 'dev']).default('production'),
  /** Name of the stack; several in one account do not meet. */
  stackName: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,40}$/, 'must be a letter, then letters, digits and dashes')
    .default('Boreal'),
  /** Name of the store in the table. */
  storeName: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .default('main'),
  architecture: z.enum(['arm64', 'x86_64']).default('arm64'),
  /** What API Gateway asks for besides the token of the API. */
  auth: z.enum(['token', 'apiKey', 'iam']).default('token'),
  /** API Gateway: requests a second, and at once. */
  rateLimit: number(1, 10_000, ' requests a second').default(200),
  burstLimit: number(1, 5_000, ' requests').default(400),
  /** small: memory of the API function. 1,769 MB are one processor. */
  apiMemoryMb: number(1_024, 10_240, ' MB').default(1_769),
  /** small: how many environments of the API there may be; absent: as many as are asked for. */
  apiConcurrency: number(1, 1_000).optional(),
  /** busy: processor (1,024 are one) and memory of each container. */
  leaderCpu: z.coerce
    .number()
    .pipe(z.literal([512, 1_024, 2_048, 4_096, 8_192]))
    .default(1_024),
  leaderMemoryMb: number(2_048, 61_440, ' MB').default(4_096),
  /** busy: reader threads of each container. */
  readers: number(1, 16).default(1),
  /** Memory of the functions that restore a store: snapshot, backup, verify. */
  jobMemoryMb: number(1_024, 10_240, ' MB').default(2_048),
  snapshotMinutes: number(1, 1_440, ' minutes').default(15),
  backupMinutes: number(1, 10_080, ' minutes').default(60),
  /** Between restore drills of the newest backup. */
  verifyHours: number(1, 720, ' hours').default(24),
  archiveMinutes: number(1, 60, ' minutes').default(1),
  trimMinutes: number(1, 1_440, ' minutes').default(60),
  sweepMinutes: number(1, 1_440, ' minutes').default(60),
  /** How long entries stay whole in the table, and then their places; 0: for ever. */
  tableHours: number(24, 876_000, ' hours').default(24),
  tombstoneDays: number(0, 36_500, ' days')
    .refine((days) => days === 0 || days >= 7, 'must be 0, for ever, or at least 7 days')
    .default(35),
  /** Back to when every second can be restored. */
  restoreDays: number(1, 36_500, ' days').default(7),
  /** How long a version of an object stays after it was replaced or deleted. */
  noncurrentDays: number(1, 3_650, ' days').default(30),
  /** For so long nobody can delete a backup, not even the account's owner; 0: no lock. Cannot be taken back. */
  backupLockDays: number(0, 36_500, ' days').default(0),
  logDays: z.coerce.number().pipe(z.literal(LOG_DAYS)).default(30),
  /** Who is told of alarms. */
  alarmEmail: z.email().optional(),
})

export type Parameters = z.output<typeof parametersSchema>

/**
 * Parameters from the context of a CDK app; what is absent takes its default. Names with other characters than letters are
 * the CDK's own.
 *
 * @throws Error naming every parameter that is wrong or unknown
 */
export function parametersOf(context: Record<string, unknown>): Parameters {
  const ours = Object.entries(context).filter(([name]) => /^[A-Za-z]+$/.test(name))
  const parsed = parametersSchema.safeParse(Object.fromEntries(ours))
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => `  ${[...path, message].join(': ')}`)
  throw new Error(`parameters (-c name=value):\n${problems.join('\n')}\nSee docs/aws.md.`)
}
