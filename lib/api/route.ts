import type * as z from 'zod'
import type { BorealNode } from '../node/node.ts'
import type { KeptRecords } from '../store/kept-records.ts'
import type { ResultSet } from '../store/result-set.ts'
import type { Statement } from '../store/statement.ts'
import type { Principal, TokenScope } from './tokens.ts'

/** A route as data: the handler, its validation and the OpenAPI document all come from it. */
export interface Route {
  method: 'GET' | 'POST' | 'DELETE'
  /** With parameters in braces, as API Gateway writes them. */
  path: string
  /** Name of the operation in the document and in generated clients. */
  name: string
  summary: string
  /** Least scope of the token; absent where none is needed. */
  scope?: TokenScope
  params?: z.ZodObject
  query?: z.ZodObject
  body?: z.ZodType
  /** Needs the node that leads: always, or when this one does not know what is asked for. */
  atLeader?: 'always' | 'whenNotFound'
  /** Refuses a body with too much in it, before it is looked at in detail. */
  checkSize?(body: unknown): void
  /** Schema of the answer with status 200. */
  answer: z.ZodType
  /** Schema of the answer with status 202, of work that takes longer than a request may. */
  accepted?: z.ZodType
  handle(request: ApiRequest): Promise<ApiAnswer> | ApiAnswer
  /** Data routes also say what they read, so that several can be read at one place of the log. */
  read?(request: ReadRequest): DataRead
}

/** Parameters after validation. */
export interface ReadRequest {
  storeId: string
  // biome-ignore lint/suspicious/noExplicitAny: each route knows the type that its own schema gives.
  params: any
  // biome-ignore lint/suspicious/noExplicitAny: likewise.
  query: any
  /** Records that were read before; absent where the answer shows what is not in the log. */
  records: KeptRecords | undefined
}

export interface ApiRequest extends ReadRequest {
  node: BorealNode
  principal: Principal
  headers: Record<string, string | undefined>
  // biome-ignore lint/suspicious/noExplicitAny: likewise.
  body: any
}

export interface ApiAnswer {
  status?: number
  /** JSON text, or its bytes in UTF-8. */
  body: string | Buffer
  headers?: Record<string, string>
}

/** What a data route reads, and how the results become an answer. */
export interface DataRead {
  statement: Statement
  answer(result: ResultSet): { status: number; body: string | Buffer }
}
