import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '../model/errors.ts'
import { PgliteEngine } from './engine.ts'
import { EngineDied } from './engine-died.ts'
import { partsFrom } from './image-parts.ts'
import { type Procedure, type Runner, runProcedure } from './procedure.ts'
import { SqlError } from './protocol.ts'
import type { EngineAnswer, EngineReady, EngineRequest, EngineThreadData } from './thread-messages.ts'

/** The body of an engine's thread: boots from the image it was given, then answers requests in order. */
export function serveEngine(procedures: readonly Procedure<never, unknown>[] = []): void {
  serve(new Map(procedures.map((procedure) => [procedure.name, procedure]))).catch((error: unknown) => {
    parentPort!.postMessage({ ready: false, failure: messageOf(error) } satisfies EngineReady)
  })
}

type Procedures = ReadonlyMap<string, Procedure<never, unknown>>

async function serve(procedures: Procedures): Promise<void> {
  const { image, parts, wasm } = workerData as EngineThreadData
  const engine = await PgliteEngine.boot(partsFrom(image, parts), wasm)
  const port = parentPort!
  port.postMessage({ ready: true } satisfies EngineReady)
  let previous = Promise.resolve()
  port.on('message', (request: EngineRequest) => {
    previous = previous.then(async () => {
      try {
        const result = await answer(engine, procedures, request)
        const transfer = 'bytes' in result ? [result.bytes.buffer as ArrayBuffer] : []
        port.postMessage(result, transfer)
      } catch (error) {
        // A failed statement is an answer like any other. What arrives here is a database that can't go on.
        port.postMessage({ id: request.id, failure: messageOf(error) } satisfies EngineAnswer)
        process.exit(1)
      }
    })
  })
}

async function answer(engine: PgliteEngine, procedures: Procedures, request: EngineRequest): Promise<EngineAnswer> {
  switch (request.kind) {
    case 'run':
      return { id: request.id, bytes: await engine.runRaw(request.statements, request.options) }
    case 'call':
      return call(engine, procedures.get(request.name)!, request)
    case 'query':
      return { id: request.id, bytes: await engine.queryRaw(request.statement, request.maxRows) }
    case 'image':
      return { id: request.id, bytes: (await engine.imagePart(request.first)) ?? new Uint8Array() }
    case 'memory':
      return { id: request.id, memory: await engine.memory() }
  }
}

/** Runs a procedure. Its own mistakes are no reason to give up the engine; what the engine fails with is. */
async function call(
  engine: PgliteEngine,
  procedure: Procedure<never, unknown>,
  { id, input, ahead }: EngineRequest & { kind: 'call' },
): Promise<EngineAnswer> {
  let broken: unknown
  const runner: Runner = {
    run: (statements) =>
      engine.run(statements).catch((error: unknown) => {
        if (!(error instanceof SqlError)) broken = error
        throw error
      }),
  }
  try {
    return { id, output: await runProcedure(runner, procedure, input as never, ahead) }
  } catch (error) {
    if (broken !== undefined || error instanceof EngineDied) throw error
    return { id, error: messageOf(error) }
  }
}
