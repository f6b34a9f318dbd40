import * as z from 'zod'
import { BorealError } from '../model/errors.ts'
import type { Consistency } from '../node/node.ts'
import { PLACE_FORM, type Point, parsePlace, parseTime, TIME_FORM } from '../recovery/point.ts'

/** Query parameters that reads take. One whose schema is an array may be repeated, the others may not. */

/** A whole number in a query string. */
export const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number)

/** The number of an instance in a query string. */
export const instanceNumber = wholeNumber.refine((id) => id < 2 ** 31, 'must be below 2^31')

/** A parameter that may be repeated; its values are alternatives. */
export const repeated = <T extends z.ZodType>(schema: T) => z.array(schema).max(1_000)

/**
 * Gives every parameter the form its schema wants: a list, or a single value.
 *
 * @throws BorealError `invalid_field` when one is unknown, or a single one is repeated.
 */
export function queryValues(schema: z.ZodObject, given: Record<string, string[]>): Record<string, string | string[]> {
  const values: Record<string, string | string[]> = {}
  for (const [name, list] of Object.entries(given)) {
    const field = Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined
    const many = field instanceof z.ZodOptional && field.unwrap() instanceof z.ZodArray
    if (field === undefined) throw refusal(name, 'there is no such parameter')
    if (!many && list.length > 1) throw refusal(name, 'must not be repeated')
    values[name] = many ? list : list[0]!
  }
  return values
}

function refusal(name: string, message: string): BorealError {
  return new BorealError('invalid_field', `query.${name}: ${message}`, { errors: [{ path: `query.${name}`, message }] })
}

export const readOptions = {
  consistency: z.enum(['weak', 'consistent']).optional(),
  minLsn: wholeNumber.optional(),
  asOfLsn: asText(parsePlace, PLACE_FORM).optional().describe('the state at a place of the log: 4711, or 4711.2'),
  asOfTime: asText(parseTime, TIME_FORM).optional().describe('the state at a time: ISO 8601, ms, or -2h'),
  recovery: z.string().max(100).optional().describe('id of a recovery: the state that it has staged'),
}

/** Text that a function makes something of, or does not understand. */
export function asText<T>(parse: (text: string) => T | undefined, form: string) {
  return z.string().transform((text, context): T => {
    const value = parse(text)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: form })
    return z.NEVER
  })
}

/** How many of a list are asked for. */
export const pageLimit = (most = 1_000) =>
  wholeNumber.refine((limit) => limit >= 1 && limit <= most, `must be 1 to ${most}`).optional()

export const pageOptions = {
  limit: pageLimit(),
  cursor: z.string().max(2_000).optional(),
}

interface ReadOptions {
  consistency?: 'weak' | 'consistent' | undefined
  minLsn?: number | undefined
  asOfLsn?: Point | undefined
  asOfTime?: { time: number } | { agoMs: number } | undefined
  recovery?: string | undefined
}

/** Whether the parameters ask for an earlier state. */
export function isOfPast({ asOfLsn, asOfTime, recovery }: ReadOptions): boolean {
  return (asOfLsn ?? asOfTime ?? recovery) !== undefined
}

/** What the parameters ask for; `consistent` when they say nothing. */
export function consistencyOf({ consistency, minLsn, asOfLsn, asOfTime, recovery }: ReadOptions): Consistency {
  const asOf = asOfLsn ?? asOfTime ?? (recovery === undefined ? undefined : { recoveryId: recovery })
  const named = Object.entries({ consistency, minLsn, asOfLsn, asOfTime, recovery }).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  )
  if (asOf !== undefined) {
    if (named.length === 1) return { level: 'asOf', asOf }
    throw exclusive(named, 'an earlier state is named by one of them alone')
  }
  if (minLsn === undefined) return { level: consistency ?? 'consistent' }
  if (consistency === 'consistent') throw exclusive(named, 'a consistent read needs no minLsn')
  return { level: 'minLsn', lsn: minLsn }
}

function exclusive(names: string[], message: string): BorealError {
  return new BorealError('invalid_field', `${names.join(' and ')} exclude each other: ${message}`, {
    errors: names.map((name) => ({ path: `query.${name}`, message })),
  })
}
