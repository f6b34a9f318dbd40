import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** A server that is measured, as a process of its own. */
export class ServerProcess {
  readonly child: ChildProcess
  #output = ''

  constructor(
    command: string,
    args: string[],
    options: { env?: Record<string, string>; uid?: number; gid?: number } = {},
  ) {
    const { env, ...ids } = options
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, ...ids })
    const read = (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString()).slice(-10_000)
    }
    this.child.stdout?.on('data', read)
    this.child.stderr?.on('data', read)
    process.once('exit', () => this.child.kill('SIGKILL'))
  }

  /** Waits for a line of its output. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#output)
      if (match !== null) return match
      if (this.child.exitCode !== null) throw new Error(`${this.child.spawnfile} ended:\n${this.#output}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** Waits until it can be used. */
  async until(isReady: () => Promise<unknown>, timeoutMs = 30_000): Promise<void> {
    for (const endAt = Date.now() + timeoutMs; ; ) {
      try {
        await isReady()
        return
      } catch (error) {
        if (this.child.exitCode !== null || Date.now() > endAt) {
          throw new Error(`${this.child.spawnfile} is not ready: ${error}\n${this.#output}`)
        }
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    this.child.kill(signal)
    await once(this.child, 'exit')
  }
}

/** A loopback port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
