import type { ErrorData } from '../model/error-data.ts'
import { isConstraintViolation, type SqlError } from './protocol.ts'

/** Why rows were not taken by the database, for whoever asked for them. */
export function refusalOf(error: SqlError): ErrorData {
  return isConstraintViolation(error)
    ? { code: 'constraint_violation', detail: error.message, extras: {} }
    : { code: 'internal', detail: `the rows could not be written: ${error.message}`, extras: {} }
}
