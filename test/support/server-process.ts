import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { TestApi } from './test-api.ts'

const BOREAL = fileURLToPath(new URL('../../bin/boreal.mjs', import.meta.url))

const TOKEN = 'token-of-the-process-tests'

/** The command `boreal` as a process of its own, ended with the test at the latest. */
export class BorealProcess {
  readonly child: ChildProcess
  /** The URL it printed. */
  readonly url: string
  /** Ms from the start of the process to the line that says it is ready. */
  readonly readyMs: number

  /** All that it has said so far. */
  readonly said: () => string

  private constructor(child: ChildProcess, url: string, readyMs: number, said: () => string) {
    this.child = child
    this.url = url
    this.readyMs = readyMs
    this.said = said
  }

  /** Runs `boreal <args>`, of this build or of another one, and waits for its line with a URL. */
  static async run(args: string[], env: Record<string, string> = {}, boreal = BOREAL): Promise<BorealProcess> {
    const startedAt = performance.now()
    const child = spawn(process.execPath, [boreal, ...args], {
      env: { ...process.env, BOREAL_TOKEN: TOKEN, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const said = outputOf(child)
    const url = await readyUrl(child, said)
    return new BorealProcess(child, url, performance.now() - startedAt, said)
  }

  /** A node: `boreal start`, on any port unless one is named. */
  static node(args: string[], env: Record<string, string> = {}, boreal = BOREAL): Promise<BorealProcess> {
    return BorealProcess.run(['start', ...(args.includes('--port') ? [] : ['--port', '0']), ...args], env, boreal)
  }

  /** A table for several nodes: `boreal table`. */
  static table(data: string): Promise<BorealProcess> {
    return BorealProcess.run(['table', '--port', '0', '--data', data, '--no-sync'])
  }

  get api(): TestApi {
    return new TestApi(this.url, TOKEN)
  }

  /** Sends a signal; waits for the end of the process where the signal ends it. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    this.child.kill(signal)
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await this.ended()
  }

  /** The exit code, once it has ended; null after a signal. */
  async ended(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit')
    return this.child.exitCode
  }
}

function outputOf(child: ChildProcess): () => string {
  let output = ''
  const read = (chunk: Buffer) => {
    output += chunk.toString()
  }
  child.stdout?.on('data', read)
  child.stderr?.on('data', read)
  return () => output
}

async function readyUrl(child: ChildProcess, said: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', () => {
      const ready = /(?:ready|table) at (http:\/\/[\w.:]+)/.exec(said())
      if (ready !== null) resolve(ready[1]!)
    })
    // Not before it has been heard out: what it said last is why it ended.
    child.once('close', (code) => reject(new Error(`boreal ended with ${code} before it was ready:\n${said()}`)))
  })
}

/** A loopback port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
