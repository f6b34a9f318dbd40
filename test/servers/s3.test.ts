import { beforeAll } from 'vitest'
import { describeObjectContract } from '../objects/object-contract.ts'
import { MINIO, VERSITYGW } from '../support/servers.ts'
import { openBucket, startMinio, startVersitygw } from './s3-bucket.ts'
import { describeOnServer } from './server.ts'

describeOnServer(VERSITYGW, (program) => {
  let endpoint: string
  beforeAll(async () => {
    const server = await startVersitygw(program)
    endpoint = server.url
    return server.stop
  })

  describeObjectContract('S3Objects', () => openBucket(endpoint))
})

describeOnServer(MINIO, (program) => {
  let endpoint: string
  beforeAll(async () => {
    const server = await startMinio(program)
    endpoint = server.url
    return server.stop
  })

  describeObjectContract('S3Objects', () => openBucket(endpoint))
})
