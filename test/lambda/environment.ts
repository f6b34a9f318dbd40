import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { APIGatewayProxyResult } from 'aws-lambda'
import { describe, it, onTestFinished } from 'vitest'
import { BUNDLE } from '../../bin/bundle.mjs'
import type { CpuShare } from './cpu-share.ts'
import { type Outcome, RuntimeApi } from './runtime-api.ts'

export const TOKEN = 'token-of-the-lambda-tests'

/** Where .ci/install-runtime-client puts it. */
const INSTALLED = new URL('../../.cache/runtime-client/node_modules/aws-lambda-ric/bin/index.mjs', import.meta.url)
const CLIENT = process.env.LAMBDA_RUNTIME_CLIENT ?? fileURLToPath(INSTALLED)

const HOW = 'the runtime client of Lambda is missing: install it with .ci/install-runtime-client'

/** Describes what is true of functions in environments as Lambda makes them, or says that there can be none here. */
export function describeOnLambda(what: string, describeSuite: () => void): void {
  const isThere = existsSync(CLIENT)
  if (!isThere) console.warn(`Skipped: ${HOW}`)
  describe(what, () => {
    if (isThere) describeSuite()
    else it.skip(HOW, () => undefined)
  })
}

/** An environment of a function: its bundle under AWS's own runtime client, in a process that can be frozen. */
export class Environment {
  readonly #child: ChildProcess
  readonly #api: RuntimeApi
  /** What it wrote to its log. */
  readonly log: string[] = []
  /** When the process was started, on the clock of `performance.now`. */
  readonly startedAt = performance.now()

  private constructor(child: ChildProcess, api: RuntimeApi) {
    this.#child = child
    this.#api = api
    const read = (chunk: Buffer) => this.log.push(...chunk.toString().split('\n'))
    child.stdout!.on('data', read)
    child.stderr!.on('data', read)
    child.once('exit', (code, signal) =>
      api.fail(`the environment ended with ${code ?? signal}:\n${this.log.join('\n')}`),
    )
  }

  /** Starts one and waits for the end of its init. It ends with the test. */
  static async start(name: string, env: Record<string, string>, share?: CpuShare): Promise<Environment> {
    const api = await RuntimeApi.start()
    const child = spawn(process.execPath, [CLIENT, `${name}.handler`], {
      // Nothing that is not in the bundle may be found.
      cwd: BUNDLE,
      env: {
        PATH: process.env.PATH,
        HOME: '/nowhere',
        AWS_LAMBDA_RUNTIME_API: api.address,
        AWS_LAMBDA_FUNCTION_NAME: `boreal-${name}`,
        AWS_LAMBDA_FUNCTION_VERSION: '1',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1769',
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
        AWS_EC2_METADATA_DISABLED: 'true',
        LAMBDA_TASK_ROOT: BUNDLE,
        _HANDLER: `${name}.handler`,
        BOREAL_TOKENS: `tests:admin:${TOKEN}`,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    if (share !== undefined) await share.add(child.pid!)
    const environment = new Environment(child, api)
    onTestFinished(() => environment.end())
    await api.initialized
    return environment
  }

  invoke<Answer>(event: unknown, timeoutMs = 29_000): Promise<Outcome<Answer>> {
    return this.#api.invoke<Answer>(event, timeoutMs)
  }

  /** Sends the API function what API Gateway makes of a request. */
  async request(httpMethod: string, target: string, body?: unknown, key?: string) {
    const [path, query = ''] = target.split('?')
    const parameters = [...new URLSearchParams(query)]
    const { answer, error } = await this.invoke<APIGatewayProxyResult>({
      httpMethod,
      path,
      headers: { authorization: `Bearer ${TOKEN}`, ...(key === undefined ? {} : { 'idempotency-key': key }) },
      queryStringParameters: Object.fromEntries(parameters),
      multiValueQueryStringParameters: Object.fromEntries(parameters.map(([name, value]) => [name, [value]])),
      body: body === undefined ? null : JSON.stringify(body),
      isBase64Encoded: false,
      requestContext: { requestId: 'request' },
    })
    if (answer === undefined) throw new Error(`${httpMethod} ${target}: ${error?.errorMessage}`)
    return { status: answer.statusCode, body: JSON.parse(answer.body) }
  }

  /** As Lambda does between invocations. */
  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  /** Processor time until now, and the most memory it had. */
  used(): { cpuMs: number; peakMb: number } {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8')
    // Behind the name, which may have blanks: user and system time, in hundredths of a second.
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
      .map(Number)
    const [, peak] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')) ?? []
    return { cpuMs: (user! + system!) * 10, peakMb: Math.round(Number(peak) / 1024) }
  }

  async end(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL')
      await once(this.#child, 'exit')
    }
    await this.#api.stop()
  }
}
