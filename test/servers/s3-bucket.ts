import { randomUUID } from 'node:crypto'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { S3Objects, type S3Options } from '../../lib/objects/s3-objects.ts'
import { type RunningServer, type Start, startServer } from './server.ts'

/** What every server of these suites takes. */
export const ACCESS_KEY = 'boreal-test'
export const SECRET_KEY = 'boreal-test-secret'

/** The adapter makes its own client, which finds its credentials as it does in production. */
function useCredentials(): void {
  process.env.AWS_ACCESS_KEY_ID = ACCESS_KEY
  process.env.AWS_SECRET_ACCESS_KEY = SECRET_KEY
}

/** Starts an S3 server. */
export async function startS3(start: Start): Promise<RunningServer> {
  useCredentials()
  return startServer(start)
}

export async function createBucket(endpoint: string): Promise<string> {
  const bucket = `b-${randomUUID()}`
  const client = new S3Client({ endpoint, forcePathStyle: true, region: 'us-east-1' })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  return bucket
}

/** Objects in a bucket of their own. */
export async function openBucket(endpoint: string, options: Partial<S3Options> = {}): Promise<S3Objects> {
  return new S3Objects({ endpoint, bucket: await createBucket(endpoint), ...options })
}

export const startVersitygw = (program: string) =>
  startS3({
    program,
    args: (port, folder) => [
      ...['--access', ACCESS_KEY, '--secret', SECRET_KEY, '--port', `127.0.0.1:${port}`, '--quiet'],
      ...['posix', folder],
    ],
  })

export const startMinio = (program: string) =>
  startS3({
    program,
    args: (port, folder) => ['server', '--quiet', '--address', `127.0.0.1:${port}`, folder],
    env: { MINIO_ROOT_USER: ACCESS_KEY, MINIO_ROOT_PASSWORD: SECRET_KEY, MINIO_BROWSER: 'off', MINIO_UPDATE: 'off' },
  })
