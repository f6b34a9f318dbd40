import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '../model/errors.ts'
import { PgliteEngine } from './engine.ts'
import { partsFrom } from './image-parts.ts'
import type { EngineAnswer, EngineReady, EngineRequest, EngineThreadData } from './thread-messages.ts'

/** Entry of an engine's thread: boots from the image it was given, then answers requests in order. */

const port = parentPort!

async function answer(engine: PgliteEngine, request: EngineRequest): Promise<EngineAnswer> {
  switch (request.kind) {
    case 'run':
      return { id: request.id, bytes: await engine.runRaw(request.statements, request.options) }
    case 'query':
      return { id: request.id, bytes: await engine.queryRaw(request.statement, request.maxRows) }
    case 'image':
      return { id: request.id, bytes: (await engine.imagePart(request.first)) ?? new Uint8Array() }
    case 'memory':
      return { id: request.id, memory: await engine.memory() }
  }
}

async function main(): Promise<void> {
  const { image, parts, wasm } = workerData as EngineThreadData
  const engine = await PgliteEngine.boot(partsFrom(image, parts), wasm)
  port.postMessage({ ready: true } satisfies EngineReady)
  let previous = Promise.resolve()
  port.on('message', (request: EngineRequest) => {
    previous = previous.then(async () => {
      try {
        const result = await answer(engine, request)
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

main().catch((error: unknown) => {
  port.postMessage({ ready: false, failure: messageOf(error) } satisfies EngineReady)
})
