import { BorealError } from '../model/errors.ts'
import type { Engine } from '../store/engine.ts'
import { SqlError } from '../store/protocol.ts'
import { statement } from '../store/statement.ts'
import { statementsOf } from './script.ts'

/** A script to be run. */
export interface Script {
  /** Where it is, for people: `0004_resources/pre-restore.sql`. */
  name: string
  sql: string
}

/** What became of a script. */
export interface ScriptRun {
  name: string
  statements: number
  /** Rows that its statements changed. */
  rows: number
  ms: number
}

/** A script does not end the SQL transaction that makes it whole or nothing. */
const TRANSACTION_CONTROL = /^(begin|start|commit|end|rollback|abort|savepoint|release|prepare|set\s+transaction)\b/i

/**
 * Runs scripts in the SQL transaction that is open; the caller ends it, and rolls it back when this throws.
 *
 * @throws BorealError `migration_failed` with the name of the script, the line of the statement, and what the database said
 */
export async function runScripts(
  engine: Pick<Engine, 'run'>,
  scripts: readonly Script[],
  monotonic: () => number,
): Promise<ScriptRun[]> {
  const runs: ScriptRun[] = []
  for (const { name, sql } of scripts) {
    const startedAt = monotonic()
    const statements = statementsOf(sql)
    const control = statements.find((each) => TRANSACTION_CONTROL.test(each.sql))
    if (control !== undefined) throw failure(name, control.line, 'a script must not begin or end SQL transactions')
    try {
      const results = await engine.run(statements.map((each) => statement(each.sql)))
      const rows = results.reduce((sum, { affected }) => sum + affected, 0)
      runs.push({ name, statements: statements.length, rows, ms: Math.round(monotonic() - startedAt) })
    } catch (error) {
      if (!(error instanceof SqlError)) throw error
      const { message, code, index } = error
      throw failure(name, statements[index]?.line, `${message} (SQLSTATE ${code})`, error)
    }
  }
  return runs
}

function failure(name: string, line: number | undefined, what: string, cause?: unknown): BorealError {
  const place = line === undefined ? name : `${name} line ${line}`
  return new BorealError('migration_failed', `${place}: ${what}. Nothing of it was done`, { cause })
}
