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

/** @throws BorealError `query_failed` when the statement is none that reads. */
export function assertQuery(sql: string): void {
  const start = startOfStatement(sql)
  if (QUERY.test(sql.slice(start, start + 10))) return
  throw new BorealError('query_failed', 'only queries are allowed: select, with, values, table, explain, show')
}

/**
 * Where the first word is, behind white space, comments and parentheses. Exactly as Postgres sees it: block comments
 * nest, a line ends with either end-of-line character. Whoever could hide the first word from us could run anything.
 */
function startOfStatement(sql: string): number {
  let at = 0
  for (;;) {
    if (/[ \t\n\r\f\v(]/.test(sql.charAt(at))) at++
    else if (sql.startsWith('--', at)) at = endOfLine(sql, at)
    else if (sql.startsWith('/*', at)) at = endOfComment(sql, at)
    else return at
  }
}

function endOfLine(sql: string, start: number): number {
  let at = start
  while (at < sql.length && sql[at] !== '\n' && sql[at] !== '\r') at++
  return at
}

function endOfComment(sql: string, start: number): number {
  let depth = 0
  for (let at = start; at < sql.length; ) {
    if (sql.startsWith('/*', at)) depth++
    else if (sql.startsWith('*/', at)) depth--
    else {
      at++
      continue
    }
    at += 2
    if (depth === 0) return at
  }
  return sql.length
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
