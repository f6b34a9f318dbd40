import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { APIGatewayProxyResult } from 'aws-lambda'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { BUNDLE, bundleIfStale, filesBelow } from '../../bin/bundle.mjs'
import { bundleSize } from '../../bin/bundle-size.mjs'
import { startTable } from '../support/embedded-table.ts'
import { quota } from '../support/records.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** The bundle of the functions, each environment a process of its own that can be frozen. */

const HOST = fileURLToPath(new URL('./function-host.mjs', import.meta.url))
const TOKEN = 'token-of-the-bundle-tests'
const MB = 1024 * 1024

beforeAll(() => bundleIfStale(), 120_000)

/** An environment of the API function. */
class Environment {
  readonly child: ChildProcess
  #id = 0

  private constructor(child: ChildProcess) {
    this.child = child
  }

  static async start(env: Record<string, string>): Promise<Environment> {
    const child = fork(HOST, [pathToFileURL(join(BUNDLE, 'api.js')).href], {
      // Elsewhere: what is missing in the bundle must not be found in the project.
      cwd: await temporaryFolder(),
      env: {
        PATH: process.env.PATH,
        BOREAL_TOKENS: TOKEN,
        BOREAL_TABLE: 'boreal',
        BOREAL_CREATE_TABLE: 'true',
        ...env,
      },
      execArgv: [],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child, 'message')
    return new Environment(child)
  }

  async invoke(httpMethod: string, path: string, body?: unknown, key?: string): Promise<APIGatewayProxyResult> {
    const id = ++this.#id
    const [pathname, query = ''] = path.split('?')
    const parameters = [...new URLSearchParams(query)]
    const event = {
      httpMethod,
      path: pathname,
      headers: { authorization: `Bearer ${TOKEN}`, ...(key === undefined ? {} : { 'idempotency-key': key }) },
      queryStringParameters: Object.fromEntries(parameters),
      multiValueQueryStringParameters: Object.fromEntries(parameters.map(([name, value]) => [name, [value]])),
      body: body === undefined ? null : JSON.stringify(body),
      isBase64Encoded: false,
      requestContext: { requestId: `request-${id}` },
    }
    this.child.send({ id, event })
    for (;;) {
      const [message] = (await once(this.child, 'message')) as [{ id: number; answer: APIGatewayProxyResult }]
      if (message.id === id) return message.answer
    }
  }
}

const save = (role: string) => ({ operations: [{ op: 'saveQuota', role, quota: quota(1) }] })

async function place(): Promise<Record<string, string>> {
  const { endpoint } = await startTable()
  return { AWS_ENDPOINT_URL_DYNAMODB: endpoint, BOREAL_OBJECTS: await temporaryFolder() }
}

test('the bundle is at most 20 MB zipped, and far from what Lambda unpacks', async () => {
  const { bytes, zipped } = await bundleSize(BUNDLE)
  console.log(`the bundle: ${(bytes / MB).toFixed(1)} MB, zipped ${(zipped / MB).toFixed(1)} MB`)
  expect(zipped).toBeLessThan(20 * MB)
  expect(bytes).toBeLessThan(100 * MB)
})

test('it starts by itself, from the base image that it has, and serves many invocations', async () => {
  const images = (await filesBelow(BUNDLE)).filter((file) => file.startsWith('base/'))
  expect(images).toHaveLength(1)
  const environment = await Environment.start(await place())
  for (let n = 1; n <= 50; n++) {
    const { statusCode, body } = await environment.invoke('POST', '/v1/transactions', save(`role-${n}`))
    expect([statusCode, JSON.parse(body).lsn]).toEqual([200, n])
  }
  // Another image would mean that it looked for one with another name, and a cold start would run initdb.
  expect((await filesBelow(BUNDLE)).filter((file) => file.startsWith('base/'))).toEqual(images)
})

test('an environment that was frozen goes on where it was, after what others wrote meanwhile', async () => {
  const at = await place()
  const [one, other] = await Promise.all([Environment.start(at), Environment.start(at)])
  expect((await one.invoke('POST', '/v1/transactions', save('first'), 'first')).statusCode).toBe(200)
  one.child.kill('SIGSTOP')
  expect((await other.invoke('POST', '/v1/transactions', save('meanwhile'))).statusCode).toBe(200)
  // Longer than the table keeps connections on which nothing comes.
  await delay(10_000)
  one.child.kill('SIGCONT')
  const weak = await one.invoke('GET', '/v1/quotas/meanwhile?consistency=weak')
  expect(weak.statusCode, weak.body).toBe(200)
  const { statusCode, body } = await one.invoke('POST', '/v1/transactions', save('thawed'))
  expect([statusCode, JSON.parse(body).lsn]).toEqual([200, 3])
  const retry = await one.invoke('POST', '/v1/transactions', save('first'), 'first')
  expect([retry.statusCode, JSON.parse(retry.body).lsn]).toEqual([200, 1])
})

test('of several environments each is a writer, and nothing is lost or done twice', async () => {
  const at = await place()
  const environments = await Promise.all([1, 2, 3].map(() => Environment.start(at)))
  const lsns = await Promise.all(
    environments.map(async (environment, index) => {
      const found: number[] = []
      for (let n = 0; n < 20; n++) {
        const answer = await environment.invoke('POST', '/v1/transactions', save(`e${index}-${n}`), `e${index}-${n}`)
        expect(answer.statusCode, answer.body).toBe(200)
        found.push(JSON.parse(answer.body).lsn)
      }
      return found
    }),
  )
  expect(lsns.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1))
  const listed = JSON.parse((await environments[0]!.invoke('GET', '/v1/quotas?limit=100')).body)
  expect(listed.items).toHaveLength(60)
})
