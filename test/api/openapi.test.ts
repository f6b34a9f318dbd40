import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import openapiTypes from 'openapi-typescript'
import { afterAll, expect, test } from 'vitest'
import * as z from 'zod'
import { problem } from '../../lib/api/problem.ts'
import { routes } from '../../lib/api/routes.ts'
import { answersOfEveryRoute, type RecordedAnswer } from '../support/every-route.ts'
import { memoryNode } from '../support/memory-node.ts'
import { quota } from '../support/records.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { memoryApi, serveNode } from '../support/test-api.ts'

/** The document describes every route, and every answer is what the document says. */

const api = await memoryApi({ readers: 1, cleanup: afterAll })

/** Some routes take snapshots and backups, and restore them. */
const LONG = { timeout: 4 * 60_000 }

let recorded: Promise<RecordedAnswer[]> | undefined

/** Answers of every route, asked for once. */
function answers(): Promise<RecordedAnswer[]> {
  recorded ??= answersOfEveryRoute(api)
  return recorded
}

type Schema = Parameters<typeof z.fromJSONSchema>[0]

interface Operation {
  operationId: string
  parameters: { name: string; in: string; required: boolean; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>
}

async function documented(): Promise<{ openapi: string; paths: Record<string, Record<string, Operation>> }> {
  const { status, body } = await api.get('/openapi.json')
  expect(status).toBe(200)
  return body
}

/** What the compiler says about a file, nothing if it is right. */
function compile(folder: string, file: string): Promise<string> {
  const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc')
  const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--allowImportingTsExtensions']
  const target = ['--target', 'es2023', '--module', 'nodenext', '--types', '']
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, ...options, ...target, file], { cwd: folder }, (error, stdout, stderr) =>
      resolve(error === null ? '' : stdout + stderr),
    )
  })
}

test('the document needs no token, and is OpenAPI 3.1', async () => {
  const response = await fetch(`${api.url}/openapi.json`)
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({
    openapi: '3.1.0',
    info: { title: 'Boreal', version: expect.any(String) },
  })
})

test('every route is in the document, with its parameters, body and answer', async () => {
  const { paths } = await documented()
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ key: `${method.toUpperCase()} ${path}`, operation })),
  )
  expect(operations.map(({ key }) => key).sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort())
  expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length)
  for (const { key, operation } of operations) {
    const inPath = [...key.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    const parameters = operation.parameters.filter((parameter) => parameter.in === 'path')
    expect(
      parameters.map(({ name, required }) => [name, required]),
      key,
    ).toEqual(inPath.map((name) => [name, true]))
    expect(operation.requestBody !== undefined, key).toBe(key.startsWith('POST'))
    expect(operation.responses['200']?.content?.['application/json']?.schema, key).toBeTypeOf('object')
    expect(operation.responses, key).toHaveProperty('default')
  }
})

test('every reference in the document leads somewhere', async () => {
  const document = await documented()
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference!)
  expect(references.length).toBeGreaterThan(0)
  for (const reference of references) {
    const [root, ...parts] = reference.split('/')
    expect(root).toBe('#')
    const target = parts.reduce<unknown>(
      (value, part) => (value as Record<string, unknown> | undefined)?.[part],
      document,
    )
    expect(target, reference).toBeDefined()
  }
})

test('every answer of every route is what the document says, nothing more and nothing less', LONG, async () => {
  const { paths } = await documented()
  const recorded = await answers()
  for (const { method, path, asked, body } of recorded) {
    const schema = paths[path]![method.toLowerCase()]!.responses['200']!.content!['application/json']!.schema
    expect(z.fromJSONSchema(schema).parse(body), asked).toEqual(body)
  }
  const answered = new Set(recorded.map(({ method, path }) => `${method} ${path}`))
  expect([...answered].sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort())
})

test('types that are generated from the document take the answers of every route', LONG, async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'api.ts'), await openapiTypes((await documented()) as never))
  const recorded = await answers()
  const uses = recorded.map(({ method, path, body }, index) => {
    const of = `paths[${JSON.stringify(path)}][${JSON.stringify(method.toLowerCase())}]`
    const type = `${of}['responses'][200]['content']['application/json']`
    return `export const answer${index}: ${type} = ${JSON.stringify(body, null, 2)}\n`
  })
  await writeFile(join(folder, 'answers.ts'), `import type { paths } from './api.ts'\n\n${uses.join('\n')}`)
  expect(await compile(folder, 'answers.ts')).toBe('')

  // And they say something: what no route answers does not compile.
  const wrong = `paths['/v1/locks/{role}/{environment}/{name}']['get']['responses'][200]['content']['application/json']`
  await writeFile(
    join(folder, 'wrong.ts'),
    `import type { paths } from './api.ts'\n\nexport const lock: ${wrong} = {}\n`,
  )
  expect(await compile(folder, 'wrong.ts')).toContain('missing the following properties')
})

test('whoever may not read may still ask whether the node lives and is ready', async () => {
  for (const path of ['/livez', '/readyz', '/readyz?level=weak', '/openapi.json']) {
    expect((await fetch(api.url + path)).status, path).toBe(200)
  }
  expect((await fetch(`${api.url}/v1/status`)).status).toBe(401)
})

test('while the log is away the node lives and serves weak reads, and is not ready for more', async () => {
  const { node, events } = await memoryNode({ pollMs: 3_600_000 })
  const away = await serveNode(node)
  events.onRead = () => {
    throw new Error('the log is away')
  }
  expect((await away.get('/livez')).body).toEqual({ live: true })
  expect((await away.get('/readyz?level=weak')).body).toEqual({ ready: true, appliedLsn: 0 })
  const { status, body, headers } = await away.get('/readyz')
  expect([status, body.code, headers.get('content-type')]).toEqual([503, 'not_ready', 'application/problem+json'])
  expect(problem.strict().parse(body).detail).toContain('the log is away')
  events.onRead = undefined
  expect((await away.get('/readyz')).status).toBe(200)
})

test('status says where the node stands, and with a digest what it holds', async () => {
  const { body } = await api.get('/v1/status')
  expect(body).toMatchObject({ role: 'writer', schemaVersion: 2, waiting: 0, storeFull: false })
  expect(body.readers).toEqual([
    { appliedLsn: expect.any(Number), load: expect.any(Number), bytes: expect.any(Number) },
  ])
  expect(body).not.toHaveProperty('digest')
  const bytes = expect.any(Number)
  expect(body).toMatchObject({
    storeLimitBytes: bytes,
    process: { rssBytes: bytes, heapBytes: bytes },
    housekeeping: { slices: bytes, putOff: bytes, longestMs: bytes },
  })
  // Of each engine, and all of them in the process.
  expect(body.storeBytes).toBeGreaterThan(50_000_000)
  expect(body.readers[0].bytes).toBeGreaterThan(50_000_000)
  expect(body.process.rssBytes).toBeGreaterThan(body.process.heapBytes)
  expect(body.storeBytes).toBeLessThan(body.storeLimitBytes)
  const { digest, appliedLsn } = (await api.get('/v1/status?digest=true')).body
  expect(digest).toMatch(/^[0-9a-f]{64}$/)
  const answer = await api.transact([{ op: 'saveQuota', role: 'status', quota: quota(1) }])
  const after = (await api.get('/v1/status?digest=true')).body
  expect(after.appliedLsn).toBe(answer.body.lsn)
  expect(after.appliedLsn).toBeGreaterThan(appliedLsn)
  expect(after.digest).not.toBe(digest)
})
