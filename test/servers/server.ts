import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, it } from 'vitest'
import { findServer, howToInstall, type ServerKind } from '../support/servers.ts'

/** How long a server may take until it answers; moto's first start compiles its sources. */
const START_MS = 30_000

/** Describes what is true on a server, or says in the report that the server is missing. */
export function describeOnServer(kind: ServerKind, describeSuite: (program: string) => void): void {
  const program = findServer(kind)
  if (program === undefined) console.warn(`Skipped: ${howToInstall(kind)}`)
  describe(`on ${kind.name}`, () => {
    if (program === undefined) it.skip(howToInstall(kind), () => undefined)
    else describeSuite(program)
  })
}

export interface Start {
  program: string
  args: (port: number, folder: string) => string[]
  env?: Record<string, string>
}

export interface RunningServer {
  url: string
  /** Ends the server and removes its folder. */
  stop(): Promise<void>
}

/** Starts a server on a free loopback port with a folder of its own. Whoever starts it stops it. */
export async function startServer({ program, args, env = {} }: Start): Promise<RunningServer> {
  const folder = await mkdtemp(join(tmpdir(), 'boreal-server-'))
  const port = await freePort()
  const child = spawn(program, args(port, folder), {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = outputOf(child)
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    await end(child)
    await rm(folder, { recursive: true, force: true })
  }
  const deadline = Date.now() + START_MS
  while (!(await answers(url))) {
    if (!hasEnded(child) && Date.now() < deadline) {
      await delay(50)
      continue
    }
    await stop()
    throw new Error(`${program} did not start:\n${output()}`)
  }
  return { url, stop }
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await ended
  clearTimeout(timer)
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null
}

/** Reads what a process says, so that it never waits for a reader; the last of it is kept. */
function outputOf(child: ChildProcess): () => string {
  let output = ''
  const read = (chunk: Buffer | Error) => {
    output = (output + String(chunk)).slice(-4_000)
  }
  child.stdout?.on('data', read)
  child.stderr?.on('data', read)
  child.once('error', read)
  return () => output
}

async function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
    () => true,
    () => false,
  )
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
