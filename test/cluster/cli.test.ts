import { spawn } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { readdir, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { saveTask } from '../support/requests.ts'
import { BorealProcess } from '../support/server-process.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { TestApi } from '../support/test-api.ts'

const BOREAL = fileURLToPath(new URL('../../bin/boreal.mjs', import.meta.url))

interface Run {
  code: number | null
  out: string
  error: string
}

/** Runs the command to its end. */
async function boreal(args: string[], env: Record<string, string> = {}): Promise<Run> {
  const { BOREAL_TOKEN, BOREAL_URL, ...rest } = process.env
  const child = spawn(process.execPath, [BOREAL, ...args], {
    env: { ...rest, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const run: Run = { code: null, out: '', error: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    run.out += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    run.error += chunk.toString()
  })
  run.code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return run
}

test('commands answer in tables for people and JSON for programs', async () => {
  const server = await BorealProcess.node(['--data', await temporaryFolder()])
  const env = { BOREAL_URL: server.url, BOREAL_TOKEN: server.api.token }
  await server.api.transact([saveTask('t1'), saveTask('t2')], { key: 'k' })

  const status = await boreal(['status', '--digest', '--json'], env)
  expect(JSON.parse(status.out)).toMatchObject({ lsn: 1, appliedLsn: 1, role: 'writer', digest: expect.any(String) })
  expect((await boreal(['status'], env)).out).toMatch(/appliedLsn\s+1/)

  const query = await boreal(['query', 'select task_id, status from task where status = $1', '--param', 'PENDING'], env)
  expect(query.out).toMatch(/task_id\s+status/)
  expect(query.out).toMatch(/t2\s+PENDING/)
  const json = JSON.parse((await boreal(['query', 'select count(*)::int as n from task', '--json'], env)).out)
  expect(json.rows).toEqual([{ n: 2 }])

  expect((await boreal(['log', 'tail'], env)).out).toMatch(
    // A new log says its format, in a transaction of the node.
    /1\s+\S+Z\s+2\s+\d+\s+admin boreal\s+tasksSaved formatVersion/,
  )
  expect(JSON.parse((await boreal(['log', 'show', '1'], env)).out).transactions[0].idempotencyKey).toBe('k')
  expect((await boreal(['log', 'verify'], env)).out).toMatch(/^ok: 1 entries, 2 transactions, up to LSN 1/)
})

test('a snapshot is taken and looked into, and a node that is killed starts from it', async () => {
  const data = await temporaryFolder()
  const server = await BorealProcess.node(['--data', data])
  const env = { BOREAL_URL: server.url, BOREAL_TOKEN: server.api.token }
  await server.api.transact([saveTask('t1')])
  const taken = await boreal(['snapshot', 'now'], env)
  expect([taken.code, taken.out]).toEqual([
    0,
    expect.stringMatching(/^took snapshot \S+, up to LSN 1; it is verified\n$/),
  ])
  expect((await boreal(['snapshot', 'now'], env)).out).toMatch(/^nothing to do: /)
  const [{ id }] = JSON.parse((await boreal(['snapshot', 'list', '--json'], env)).out)
  expect((await boreal(['snapshot', 'list'], env)).out).toMatch(new RegExp(`${id}\\s+1\\s+verified`))
  expect((await boreal(['snapshot', 'inspect', id, '--check'], env)).out).toMatch(/state\s+verified/)
  const state = await server.api.state()
  await server.signal('SIGKILL')

  const storeId = (await readdir(join(data, 'objects'))).find((name) => !name.startsWith('.'))!
  const part = join(data, 'objects', storeId, 'snapshots', id, 'image', '00000')
  const again = await BorealProcess.node(['--data', data])
  expect(await again.api.state()).toEqual(state)
  await truncate(part, 1_000)
  const damaged = await boreal(['snapshot', 'inspect', id], { ...env, BOREAL_URL: again.url })
  expect([damaged.code, damaged.error]).toEqual([3, expect.stringContaining('snapshot_corrupt')])
  await again.signal('SIGKILL')

  const last = await BorealProcess.node(['--data', data])
  expect(await last.api.state()).toEqual(state)
})

test('an earlier state is read, staged under a name, and served by a node that was killed', async () => {
  const data = await temporaryFolder()
  const server = await BorealProcess.node(['--data', data])
  const env = { BOREAL_URL: server.url, BOREAL_TOKEN: server.api.token }
  await server.api.transact([saveTask('t1'), saveTask('t2')])
  await server.api.transact([{ op: 'removeTasks', taskIds: ['t1'] }])
  const count = 'select count(*)::int as n from task'
  const rows = ({ out }: Run) => JSON.parse(out).rows[0].n
  expect(rows(await boreal(['query', count, '--as-of', '1', '--json'], env))).toBe(2)
  expect(rows(await boreal(['query', count, '--as-of', '-0s', '--json'], env))).toBe(1)
  expect(await boreal(['query', count, '--as-of', 'noon'], env)).toMatchObject({ code: 2 })

  const staged = await boreal(['recovery', 'stage', '1', '--reason', 'a look'], env)
  expect(staged.out).toMatch(/^staged [0-9a-f]{20}: the state at LSN 1, /)
  const id = staged.out.split(/[ :]/)[1]!
  expect((await boreal(['recovery', 'list'], env)).out).toMatch(new RegExp(`${id}\\s+staged\\s+1\\s.*a look`))
  await server.signal('SIGKILL')
  const again = await BorealProcess.node(['--data', data])
  const there = { ...env, BOREAL_URL: again.url, BOREAL_TOKEN: again.api.token }
  expect((await boreal(['recovery', 'show', id], there)).out).toMatch(/here\s+closed/)
  expect(rows(await boreal(['recovery', 'query', id, count, '--json'], there))).toBe(2)
  expect((await boreal(['recovery', 'unload', id], there)).out).toBe(`unloaded ${id}\n`)
  expect(await boreal(['recovery', 'query', id, count], there)).toMatchObject({
    code: 1,
    error: /there is no recovery/,
  })
  expect(await boreal(['recovery', 'stage', 'noon'], there)).toMatchObject({ code: 2, error: /is no point/ })
})

test('a backup is made and restored to see; when all snapshots are damaged a node starts from it', async () => {
  const data = await temporaryFolder()
  const server = await BorealProcess.node(['--data', data])
  const env = { BOREAL_URL: server.url, BOREAL_TOKEN: server.api.token }
  await server.api.transact([saveTask('t1')])
  expect((await boreal(['backup', 'verify'], env)).error).toContain('boreal backup now')
  const made = await boreal(['backup', 'now'], env)
  expect([made.code, made.out]).toEqual([0, expect.stringMatching(/^made backup \S+, up to LSN 1\n$/)])
  const [{ id }] = JSON.parse((await boreal(['backup', 'list', '--json'], env)).out)
  expect((await boreal(['backup', 'list'], env)).out).toMatch(new RegExp(`${id}\\s+1\\s+complete.*never`))
  const verified = await boreal(['backup', 'verify'], env)
  expect([verified.code, verified.out]).toEqual([0, expect.stringMatching(/image\s+same[\s\S]*dump\s+same/)])
  expect((await boreal(['backup', 'inspect', id], env)).out).toMatch(/drillPassed\s+true/)
  const dumped = await boreal(['dump', '--data', data])
  expect([dumped.code, dumped.out]).toEqual([0, expect.stringContaining('copy public.task')])

  const state = await server.api.state()
  await server.signal('SIGKILL')
  const storeId = (await readdir(join(data, 'objects'))).find((name) => !name.startsWith('.'))!
  for (const snapshot of await readdir(join(data, 'objects', storeId, 'snapshots'))) {
    await truncate(join(data, 'objects', storeId, 'snapshots', snapshot, 'image', '00000'), 1_000)
  }
  const again = await BorealProcess.node(['--data', data])
  expect(await again.api.state()).toEqual(state)
  await truncate(join(data, 'backups', storeId, 'backups', id, 'dump', '00000'), 10)
  const damaged = await boreal(['backup', 'verify', id], { ...env, BOREAL_URL: again.url })
  expect([damaged.code, damaged.error]).toEqual([3, expect.stringContaining('backup_corrupt')])
})

test('a clone is made, served beside its parent and deleted; a store whose table is gone is restored', async () => {
  const data = await temporaryFolder()
  const server = await BorealProcess.node(['--data', data])
  const env = { BOREAL_URL: server.url, BOREAL_TOKEN: server.api.token, BOREAL_DATA: data }
  await server.api.transact([saveTask('t1')])
  expect(await boreal(['clone', 'create', 'copy'], env)).toMatchObject({
    code: 0,
    out: /^made clone copy: store \S+, up/,
  })
  const clone = await BorealProcess.node(['--data', data, '--name', 'copy'])
  expect((await clone.api.transact([saveTask('t2')])).body.lsn).toBe(2)
  expect((await server.api.transact([saveTask('t3')])).body.lsn).toBe(2)
  expect((await boreal(['clone', 'list'], env)).out).toMatch(/copy\s+\S+\s+open .* clone of \S+ at LSN 1/)
  expect(await boreal(['clone', 'delete', 'copy'], env)).toMatchObject({ code: 1, error: /nothing was done/ })
  expect(await boreal(['clone', 'delete', 'copy', '--yes'], env)).toMatchObject({ code: 0, out: /up to LSN 2/ })
  expect((await clone.api.transact([saveTask('t4')])).body.code).toBe('store_changed')
  expect((await boreal(['store', 'list'], env)).out).toMatch(/copy@\S+\s+\S+\s+sealed: deleted/)
  await boreal(['snapshot', 'now'], env)
  const state = await server.api.state()
  for (const process of [clone, server]) await process.signal('SIGKILL')

  await rm(join(data, 'table'), { recursive: true })
  const lost = await boreal(['start', '--port', '0'], env)
  expect(lost).toMatchObject({ code: 1, error: /boreal restore --from newest --name main/ })
  expect(await boreal(['restore', '--from', 'newest', '--dry-run'], env)).toMatchObject({ code: 0, out: /is gone/ })
  expect(await boreal(['restore', '--from', 'newest'], env)).toMatchObject({ code: 1, error: /repeat it with --yes/ })
  const done = await boreal(['restore', '--from', 'newest', '--yes'], env)
  expect(done).toMatchObject({ code: 0, out: /restored main: store \S+, up to LSN 2\n/ })
  const again = await BorealProcess.node(['--data', data])
  expect(await again.api.state()).toEqual(state)
})

test('errors say what to do, on stderr, with an exit code of their kind', async () => {
  const server = await BorealProcess.node(['--data', await temporaryFolder()])
  const env = { BOREAL_URL: server.url, BOREAL_TOKEN: server.api.token }
  const usage = await boreal(['nonsense'], env)
  expect(usage).toMatchObject({ code: 2, out: '' })
  expect(usage.error).toContain('unknown command')
  expect(await boreal(['start', '--port', 'http'], env)).toMatchObject({ code: 2 })
  expect(await boreal(['query', 'delete from task'], env)).toMatchObject({ code: 1, error: /only queries/ })
  const token = await boreal(['status'], { ...env, BOREAL_TOKEN: 'wrong-token-that-is-long' })
  expect(token).toMatchObject({ code: 1, error: /token is not known/ })
  expect(token.error).not.toContain('wrong-token')
  expect(await boreal(['log', 'show', '77'], env)).toMatchObject({ code: 1, error: /no log entry 77/ })
  const nobody = await boreal(['status'], { BOREAL_URL: 'http://127.0.0.1:1', BOREAL_TOKEN: 'x' })
  expect(nobody).toMatchObject({ code: 1, error: /is the server running/ })
})

test('the embedded server makes its token at the first start, keeps it, and stops cleanly', async () => {
  const data = await temporaryFolder()
  const child = spawn(process.execPath, [BOREAL, 'start', '--port', '0', '--data', data], {
    env: { ...process.env, BOREAL_TOKEN: undefined },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  const ready = new Promise<string>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      const url = /ready at (\S+)/.exec(out)?.[1]
      if (url !== undefined) resolve(url)
    })
  })
  const url = await ready
  const token = readFileSync(join(data, 'token'), 'utf8').trim()
  expect(out).toContain(`made an admin token: ${token}`)
  expect(statSync(join(data, 'token')).mode & 0o777).toBe(0o600)
  const api = new TestApi(url, token)
  expect((await api.transact([saveTask('t')])).status).toBe(200)

  const second = await boreal(['start', '--port', '0', '--data', data])
  expect(second).toMatchObject({ code: 1, error: /in use by another process/ })
  expect(await boreal(['log', 'verify', '--data', data])).toMatchObject({ code: 1, error: /in use/ })

  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect((await boreal(['log', 'verify', '--data', data])).out).toMatch(/^ok: 1 entries/)
})

test('a small synthetic trace is replayed and checked, and a second one beside it with a prefix', async () => {
  const server = await BorealProcess.node(['--data', await temporaryFolder()])
  const env = { BOREAL_URL: server.url, BOREAL_TOKEN: server.api.token }
  const first = await boreal(['replay', '--tasks', '60', '--seed', '7'], env)
  expect(first.out).toContain('check: every task and state in the store is as counted')
  const clash = await boreal(['replay', '--tasks', '60', '--seed', '8'], env)
  expect(clash).toMatchObject({ code: 1, error: /another --prefix|reused/ })
  const second = await boreal(['replay', '--tasks', '60', '--seed', '8', '--prefix', 'b-', '--json'], env)
  expect(JSON.parse(second.out)).toMatchObject({ tasks: 60, differences: [] })
})
