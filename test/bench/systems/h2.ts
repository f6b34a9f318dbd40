import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { type BenchTask, benchConfig, benchTasks, CONFIGS } from '../tasks.ts'
import { ServerProcess } from './process.ts'
import { TASK_SCHEMA, taskValues, type Value } from './task-schema.ts'

/** Rows of a statement. */
const BATCH = 1_000

/** Runs statements in an H2 in memory, in a Java of its own; gives its output. */
async function runH2(jar: string, statements: string[]): Promise<string> {
  const shell = ['-cp', jar, 'org.h2.tools.Shell', '-url', 'jdbc:h2:mem:bench', '-user', 'sa', '-password', '']
  const java = new ServerProcess('java', [...shell, '-sql', statements.join(';')])
  return java.finished()
}

/** Writes the script of a database with so many tasks, as H2 itself writes it. */
export async function writeH2Script(jar: string, tasks: number, rows: string, script: string): Promise<void> {
  await pipeline(sqlOf(tasks), createWriteStream(rows))
  await runH2(jar, [`RUNSCRIPT FROM '${rows}'`, `SCRIPT TO '${script}'`])
}

/** Restores a database from its script, and counts. */
export async function restoreH2(jar: string, script: string, tasks: number): Promise<void> {
  const output = await runH2(jar, [`RUNSCRIPT FROM '${script}'`, "SELECT 'tasks ' || COUNT(*) FROM task"])
  if (!output.includes(`tasks ${tasks}`)) throw new Error(`H2 did not restore ${tasks} tasks:\n${output}`)
}

function* sqlOf(tasks: number): Generator<string> {
  // In H2 text would be a large object.
  for (const sql of TASK_SCHEMA) yield `${sql.replaceAll(/\btext\b/g, 'varchar')};\n`
  for (let number = 0; number < Math.min(CONFIGS, tasks); number++) {
    const { id, json } = benchConfig(number)
    yield `insert into task_config values ${valuesSql([id, json])};\n`
  }
  for (let first = 0; first < tasks; first += BATCH) {
    const rows = benchTasks(first, Math.min(BATCH, tasks - first)).map((task: BenchTask) => valuesSql(taskValues(task)))
    yield `insert into task values ${rows.join(',\n')};\n`
  }
}

function valuesSql(values: Value[]): string {
  return `(${values.map((value) => (typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value))).join(', ')})`
}
