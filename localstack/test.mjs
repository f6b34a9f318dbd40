// npm run test:localstack: deploys the app, runs the tests against it, destroys it. See README.md for where LocalStack is.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installMissing } from '../bin/prepare.mjs'
import { localstackEnvironment } from './environment.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = dirname(here)

/** Tokens as the tests of the API know them (test/support/test-api.ts). */
const TOKENS = ['admin:admin', 'writer:write', 'reader:read'].map(
  (it) => `${it}:${it.split(':')[1]}-token-of-the-tests`,
)

installMissing({ dev: true })
if (process.env.AWS_ENDPOINT_URL !== undefined) process.exit(await deployAndTest())
const host =
  process.env.BOREAL_LOCALSTACK_HOST ?? join(root, '..', 'shared', 'tools', 'localstack-host', 'localstack-host')
if (!existsSync(host)) {
  console.log(
    'test:localstack: skipped, because no LocalStack was found: start one (localstack/README.md) and name it with ' +
      'AWS_ENDPOINT_URL=http://localhost:4566',
  )
  process.exit(0)
}
// Outside the project: functions must find nothing that is not in their bundle.
const folder = join(tmpdir(), 'boreal-localstack')
const args = ['run', folder, String(await freePort()), '--', process.execPath, fileURLToPath(import.meta.url)]
process.exit(spawnSync(host, args, { stdio: 'inherit' }).status ?? 1)

async function deployAndTest() {
  const env = localstackEnvironment()
  const { deploy, destroy } = await import('./stack.mjs')
  const { setTokens } = await import('./secret.mjs')
  const { url, outputs } = deploy(env, { snapshotMinutes: 2, backupMinutes: 3 })
  await setTokens(env, outputs.TokensSecret, TOKENS.join(','))
  try {
    const { status } = spawnSync(
      process.execPath,
      [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--config', 'vitest.localstack.config.ts'],
      {
        cwd: root,
        env: { ...env, BOREAL_TEST_URL: url, BOREAL_TEST_STACK: JSON.stringify(outputs) },
        stdio: 'inherit',
      },
    )
    return status ?? 1
  } finally {
    await destroy(env, { quiet: true })
    console.log('test:localstack: the stack is destroyed')
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
