import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { TestApi } from './test-api.ts'

const BOREAL = fileURLToPath(new URL('../../bin/boreal.mjs', import.meta.url))

/** The command `boreal` as a process of its own. */
export class ServerProcess {
  readonly child: ChildProcess
  readonly url: string
  readonly token: string
  /** Ms from the start of the process to the line that says it is ready. */
  readonly readyMs: number

  private constructor(child: ChildProcess, url: string, token: string, readyMs: number) {
    this.child = child
    this.url = url
    this.token = token
    this.readyMs = readyMs
  }

  /** Runs `boreal start` with these arguments and waits until it is ready. */
  static async start(args: string[], env: Record<string, string> = {}): Promise<ServerProcess> {
    const token = 'token-of-the-process-tests'
    const startedAt = performance.now()
    const child = spawn(process.execPath, [BOREAL, 'start', '--port', '0', ...args], {
      env: { ...process.env, BOREAL_TOKEN: token, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const url = await readyUrl(child)
    return new ServerProcess(child, url, token, performance.now() - startedAt)
  }

  get api(): TestApi {
    return new TestApi(this.url, this.token)
  }

  async signal(signal: NodeJS.Signals): Promise<void> {
    this.child.kill(signal)
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await this.ended()
  }

  /** The exit code, when it has ended. */
  async ended(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit')
    return this.child.exitCode
  }
}

async function readyUrl(child: ChildProcess): Promise<string> {
  let output = ''
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      const ready = /ready at (http:\S+)/.exec(output)
      if (ready !== null) resolve(ready[1]!)
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('exit', (code) => reject(new Error(`boreal ended with ${code} before it was ready:\n${output}`)))
  })
}
