import type * as z from 'zod'

/**
 * Makes a schema remember its last results by the JSON text of what came in. For values that are large and come again
 * and again: two thousand tasks share a config of a kilobyte, and looking it up costs a fifth of validating it.
 *
 * What is remembered is shared, so it is frozen. The same objects coming back also lets others keep what they derive
 * from them (a config's id) by identity.
 */
export function remembered<T extends z.ZodType>(schema: T, most: number): T {
  const results = new Map<string, unknown>()
  const run = schema._zod.run
  schema._zod.run = (payload, context) => {
    const text = textOf(payload.value)
    if (text === undefined) return run(payload, context)
    const known = results.get(text)
    if (known !== undefined) {
      payload.value = known
      return payload
    }
    const result = run(payload, context)
    if (result instanceof Promise || result.issues.length > 0) return result
    if (results.size >= most) results.delete(results.keys().next().value!)
    results.set(text, deepFrozen(result.value))
    return result
  }
  return schema
}

/** The text of an object; `undefined` for what has none (a cycle, a bigint) or is no object: that is validated anew. */
function textOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

function deepFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const part of Object.values(value)) deepFrozen(part)
  return Object.freeze(value)
}
