import { expect } from 'vitest'
import type { ErrorCode } from '../../lib/model/errors.ts'
import type { ObjectStore } from '../../lib/objects/object-store.ts'

/** An empty store for one test, which is cleaned up after it. */
export type OpenObjects = () => Promise<ObjectStore>

export const bytesOf = (text: string) => new TextEncoder().encode(text)
export const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

const failsWith = (code: ErrorCode) => expect.objectContaining({ code })

export const notFound = failsWith('not_found')
export const preconditionFailed = failsWith('precondition_failed')
export const invalidField = failsWith('invalid_field')
