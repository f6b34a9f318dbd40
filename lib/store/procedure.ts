import { EngineDied } from './engine-died.ts'
import { SqlError } from './protocol.ts'
import type { ResultSet } from './result-set.ts'
import type { Statement } from './statement.ts'

/** What a procedure may do with the engine. */
export interface Runner {
  run(statements: Statement[]): Promise<ResultSet[]>
}

/**
 * Work beside an engine, in its thread: what reads, decides and writes then costs one message instead of one for each
 * step, and waking a thread costs more than a small statement. Input and output are plain data.
 */
export interface Procedure<Input, Output> {
  /** By which a thread knows it: functions cannot be sent. */
  name: string
  run(engine: Runner, input: Input): Promise<Output>
}

/** Runs a procedure. What is to go ahead goes in any case, also when the procedure fails before it runs anything. */
export async function runProcedure<Input, Output>(
  engine: Runner,
  procedure: Procedure<Input, Output>,
  input: Input,
  ahead: Statement[],
): Promise<Output> {
  const runner = runningAhead(engine, ahead)
  try {
    return await procedure.run(runner, input)
  } finally {
    await runner.run([])
  }
}

/** An engine that sends some statements ahead of the first ones that it is given, and is broken when they fail. */
export function runningAhead(engine: Runner, ahead: Statement[]): Runner {
  let waiting = ahead
  return {
    async run(statements) {
      const before = waiting
      if (before.length + statements.length === 0) return []
      waiting = []
      try {
        return (await engine.run([...before, ...statements])).slice(before.length)
      } catch (error) {
        if (error instanceof SqlError && error.index < before.length) {
          throw new EngineDied(`${before[error.index]!.sql} failed: ${error.message}`)
        }
        throw error
      }
    },
  }
}
