import { expect } from 'vitest'
import { type ErrorCode, isBorealError } from '../../lib/index.ts'

/** What a closure is refused with: `await expect(storage.write(…)).rejects.toEqual(refused('already_exists'))`. */
export const refused = (code: ErrorCode) => expect.toSatisfy((error: unknown) => isBorealError(error, code))
