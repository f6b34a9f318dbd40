import { BorealError } from '../model/errors.ts'
import { BEGIN_READ_ONLY, ROLLBACK, type Statement, statement } from './statement.ts'

/**
 * What makes a user's SQL read-only in fact. The session is always the superuser's, so no single measure is enough:
 *
 * 1. only statements that begin as a query does (no SET, no COPY, no PREPARE, no DO);
 * 2. one statement, by the extended protocol, which refuses a second one;
 * 3. a read-only transaction, which cannot be made writable once it has begun;
 * 4. a role that may select and nothing else, and may not call set_config to get rid of it;
 * 5. rollback, and release of session locks, whatever happened.
 *
 * It runs on a reader, never on the writer, so even what might slip through could only harm a copy.
 */
const QUERY = /^(select|with|values|table|explain|show)\b/i

/** Skips white space, comments and parentheses before the first word. */
const LEADING = /^(?:\s|\(|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/

/** @throws BorealError `query_failed` when the statement is none that reads. */
export function assertQuery(sql: string): void {
  if (QUERY.test(sql.replace(LEADING, ''))) return
  throw new BorealError('query_failed', 'only queries are allowed: select, with, values, table, explain, show')
}

/** Before the user's statement. Plans are his own, so the planner gets its ordinary settings back. */
export const QUERY_PROLOGUE: Statement[] = [
  BEGIN_READ_ONLY,
  statement('set local enable_seqscan = on'),
  statement('set local plan_cache_mode = auto'),
  statement('set local role boreal_reader'),
]

/** After it, in a message of its own. */
export const QUERY_EPILOGUE: Statement[] = [ROLLBACK, statement('select pg_advisory_unlock_all()')]
