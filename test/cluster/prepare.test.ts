import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { request, saveTask } from '../support/requests.ts'
import { BorealProcess } from '../support/server-process.ts'
import { temporaryFolder } from '../support/temporary.ts'

const BOREAL = fileURLToPath(new URL('../../bin/boreal.mjs', import.meta.url))

/** Flags that nobody else runs with, so that the machine code of these processes is theirs alone. */
const OURS = { NODE_OPTIONS: '--stack-trace-limit=13' }

async function prepare(env: Record<string, string>): Promise<{ file: string; already: boolean }> {
  const { stdout } = await promisify(execFile)(process.execPath, [BOREAL, 'prepare'], {
    env: { ...process.env, ...env },
  })
  const [, file, what] = /^boreal: nodes of this build are prepared \((.+), (.+)\)\n$/.exec(stdout)!
  return { file: file!, already: what === 'already' }
}

/** Starts a node, which writes and reads. */
async function serve(data: string): Promise<void> {
  const node = await BorealProcess.node(['--data', data, '--no-sync'], OURS)
  const { status } = await node.api.send('POST', '/v1/transactions', request([saveTask('t1')]))
  expect(status).toBe(200)
  expect((await node.api.get('/v1/tasks/t1?consistency=consistent')).status).toBe(200)
  await node.signal('SIGTERM')
}

const isThere = (file: string) =>
  stat(file).then(
    () => true,
    () => false,
  )

test('nodes begin with the machine code that was made ahead, and without it when it is damaged', async () => {
  const data = await temporaryFolder()
  const { file } = await prepare(OURS)
  onTestFinished(() => rm(file, { force: true }))

  // What is of no use would be gone: see below.
  await serve(data)
  expect(await isThere(file)).toBe(true)
  expect(await prepare(OURS)).toEqual({ file, already: true })

  const handle = await open(file, 'r+')
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, 3_000_000)
  await handle.write(Buffer.from([buffer[0]! ^ 1]), 0, 1, 3_000_000)
  await handle.close()
  await serve(data)
  expect(await isThere(file)).toBe(false)
})

test('preparing that is stopped leaves nothing behind', async () => {
  const TMPDIR = await temporaryFolder()
  const { BOREAL_CACHE = join(tmpdir(), 'boreal-cache') } = process.env
  const env = { ...process.env, NODE_OPTIONS: '--stack-trace-limit=14', TMPDIR, BOREAL_CACHE }
  const child = spawn(process.execPath, [BOREAL, 'prepare'], { env, stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  // It has begun to write there.
  await expect.poll(async () => (await readdir(TMPDIR, { recursive: true })).length).toBeGreaterThan(5)
  child.kill('SIGTERM')
  await once(child, 'exit')
  expect(await readdir(TMPDIR)).toEqual([])
})
