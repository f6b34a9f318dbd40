import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { ownChild } from '../workspace.ts'

/** A server that is measured, as a process of its own. */
export class ServerProcess {
  readonly child: ChildProcess
  #output = ''

  constructor(command: string, args: string[], { env, ...options }: SpawnOptions = {}) {
    this.child = spawn(command, args, {
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    const read = (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString()).slice(-10_000)
    }
    this.child.stdout?.on('data', read)
    this.child.stderr?.on('data', read)
    // A command that is not there has no exit code; its failure is output like any other.
    this.child.on('error', (error) => read(Buffer.from(error.message)))
    ownChild(this.child)
  }

  /** Waits for a line of its output. */
  async said(pattern: RegExp, timeoutMs = 600_000): Promise<RegExpExecArray> {
    for (const endAt = performance.now() + timeoutMs; ; ) {
      const match = pattern.exec(this.#output)
      if (match !== null) return match
      if (this.#ended || performance.now() > endAt) throw this.#failure('did not say that it is ready')
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** Waits until it can be used. */
  async until(isReady: () => Promise<unknown>, timeoutMs = 60_000): Promise<void> {
    for (const endAt = performance.now() + timeoutMs; ; ) {
      try {
        await isReady()
        return
      } catch (error) {
        if (this.#ended || performance.now() > endAt) throw this.#failure(`is not ready: ${error}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }

  /** Waits for its end, which must be a good one; gives the end of its output. */
  async finished(): Promise<string> {
    if (!this.#ended) await once(this.child, 'close')
    if (this.child.exitCode !== 0) throw this.#failure('failed')
    return this.#output
  }

  /** Its resident memory in bytes. */
  residentBytes(): number {
    const kilobytes = execFileSync('ps', ['-o', 'rss=', '-p', String(this.child.pid)], { encoding: 'utf8' })
    return Number(kilobytes) * 1_024
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#ended) return
    const ended = once(this.child, 'exit')
    this.child.kill(signal)
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 20_000)
    await ended
    clearTimeout(timer)
  }

  get #ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined
  }

  #failure(what: string): Error {
    return new Error(`${this.child.spawnfile} ${what}\n${this.#output}`)
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
