import { fileURLToPath } from 'node:url'
import { beforeAll } from 'vitest'
import { dynamoBed } from '../log/log-bed.ts'
import { describeLogContract } from '../log/log-contract.ts'
import { MOTO } from '../support/servers.ts'
import { describeOnServer, startServer } from './server.ts'

/** It answers one request after another, in Python: fifty at once take it more than the second that a request may. */
const SLOW_MS = 15_000

// moto's S3 is left out: its conditional puts check and write in two steps, and other requests come in between.
describeOnServer(MOTO, (program) => {
  let endpoint: string
  beforeAll(async () => {
    const server = await startServer({
      program,
      args: (port) => ['-H', '127.0.0.1', '-p', String(port)],
      env: { PYTHONPATH: fileURLToPath(new URL('./moto', import.meta.url)), PYTHONDONTWRITEBYTECODE: '1' },
    })
    endpoint = server.url
    return server.stop
  })

  describeLogContract('the log through the DynamoDB adapter', () =>
    dynamoBed(endpoint, { limits: { requestMs: SLOW_MS } }),
  )
})
