import * as z from 'zod'
import { BorealError } from '../model/errors.ts'
import type { Consistency } from '../node/node.ts'

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
  asOfLsn: wholeNumber.optional(),
  asOfTime: z.string().optional(),
}

export const pageOptions = {
  limit: wholeNumber.refine((limit) => limit >= 1 && limit <= 1_000, 'must be 1 to 1000').optional(),
  cursor: z.string().max(2_000).optional(),
}

interface ReadOptions {
  consistency?: 'weak' | 'consistent' | undefined
  minLsn?: number | undefined
  asOfLsn?: number | undefined
  asOfTime?: string | undefined
}

/** What the parameters ask for; `consistent` when they say nothing. */
export function consistencyOf(options: ReadOptions): Consistency {
  if (options.asOfLsn !== undefined || options.asOfTime !== undefined) {
    throw new BorealError('not_available', 'reads of earlier states are not available yet')
  }
  if (options.minLsn !== undefined) {
    if (options.consistency === 'consistent') {
      throw new BorealError('invalid_field', 'minLsn and consistency=consistent exclude each other', {
        errors: [{ path: 'query.minLsn', message: 'a consistent read needs none' }],
      })
    }
    return { level: 'minLsn', lsn: options.minLsn }
  }
  return { level: options.consistency ?? 'consistent' }
}
