import { isDeepStrictEqual } from 'node:util'
import * as z from 'zod'

/**
 * Throws unless a record has every field of its schema, all the way down, with a value that neither a default nor an
 * empty field would give. A round trip of any other record proves nothing about the fields it does not have.
 *
 * An object whose fields are all optional and that has exactly one of them is a union, and needs no others.
 *
 * @param ignored paths that need not be there, e.g. `version`
 */
export function assertFullyPopulated(schema: z.ZodType, value: unknown, ignored: string[] = [], path = ''): void {
  if (ignored.includes(path)) return
  const fail = (what: string) => {
    throw new Error(`${path === '' ? 'the record' : path} ${what}`)
  }
  if (value === undefined || value === null) fail('is absent')
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    if (isDeepStrictEqual(value, schema.def.defaultValue)) fail('has its default value')
    assertFullyPopulated(schema.unwrap() as z.ZodType, value, ignored, path)
  } else if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) {
    assertFullyPopulated(schema.unwrap() as z.ZodType, value, ignored, path)
  } else if (schema instanceof z.ZodArray) {
    const items = value as unknown[]
    if (items.length < 2) fail('has less than two items')
    for (const [index, item] of items.entries()) {
      assertFullyPopulated(schema.element as z.ZodType, item, ignored, `${path}[${index}]`)
    }
  } else if (schema instanceof z.ZodRecord) {
    const entries = Object.entries(value as object)
    if (entries.length < 2) fail('has less than two entries')
    for (const [key, item] of entries) {
      assertFullyPopulated(schema.valueType as z.ZodType, item, ignored, `${path}[${key}]`)
    }
  } else if (schema instanceof z.ZodObject) {
    for (const [name, field] of expectedFields(schema, value as object)) {
      const below = path === '' ? name : `${path}.${name}`
      assertFullyPopulated(field, (value as Record<string, unknown>)[name], ignored, below)
    }
  } else if (typeof value === 'object') fail(`has a schema that this check cannot look into: ${schema.type}`)
  else if (value === '' || value === 0 || value === '0' || value === false) fail(`is ${JSON.stringify(value)}`)
}

function expectedFields(schema: z.ZodObject, value: object): [string, z.ZodType][] {
  const fields = Object.entries(schema.shape) as [string, z.ZodType][]
  const isUnion = fields.length > 1 && fields.every(([, field]) => field instanceof z.ZodOptional)
  const present = fields.filter(([name]) => name in value)
  return isUnion && present.length === 1 ? present : fields
}
