// Deploys the app to a LocalStack, and takes it away again.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const OUTPUTS = join(root, 'dist', 'localstack.json')

/** What goes away with its stack, on the machine's own processor. */
const CONTEXT = { stackName: 'Boreal', stage: 'dev', architecture: process.arch === 'arm64' ? 'arm64' : 'x86_64' }

/** Deploys the profile small. @returns the URL of the API and the outputs of the stack */
export function deploy(env, context = {}) {
  mkdirSync(dirname(OUTPUTS), { recursive: true })
  cdk(env, ['bootstrap', 'aws://000000000000/us-east-1', '--ci', ...flags(context)])
  cdk(env, ['deploy', '--ci', '--require-approval', 'never', '--outputs-file', OUTPUTS, ...flags(context)])
  const outputs = JSON.parse(readFileSync(OUTPUTS, 'utf8'))[CONTEXT.stackName]
  return { url: `${env.AWS_ENDPOINT_URL}/_aws/execute-api/${outputs.ApiId}/api`, outputs }
}

/**
 * Takes the stack away. Only empty buckets can be deleted, and until their rules are gone functions write into them: so they
 * are emptied before, and what is left of them is deleted afterwards.
 *
 * @param quiet says nothing unless it fails: so the last lines of a test run are what the tests said
 */
export async function destroy(env, { quiet = false } = {}) {
  const outputs = JSON.parse(readFileSync(OUTPUTS, 'utf8'))[CONTEXT.stackName]
  const buckets = [outputs.ObjectsBucket, outputs.BackupsBucket, outputs.AccessLogsBucket]
  const { DeleteBucketCommand, S3Client } = await import('@aws-sdk/client-s3')
  const credentials = { accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: env.AWS_SECRET_ACCESS_KEY }
  const s3 = new S3Client({ endpoint: env.AWS_ENDPOINT_URL, region: env.AWS_REGION, credentials, forcePathStyle: true })
  for (const bucket of buckets) await empty(s3, bucket)
  cdk(env, ['destroy', '--ci', '--force', ...flags({})], quiet)
  for (const Bucket of buckets) {
    try {
      await empty(s3, Bucket)
      await s3.send(new DeleteBucketCommand({ Bucket }))
    } catch (error) {
      if (error.name !== 'NoSuchBucket') throw error
    }
  }
  s3.destroy()
}

function flags(context) {
  return Object.entries({ ...CONTEXT, ...context }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

function cdk(env, args, quiet = false) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'node_modules', 'aws-cdk', 'bin', 'cdk'), ...args],
    {
      cwd: root,
      env,
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 2, 2],
      maxBuffer: Number.POSITIVE_INFINITY,
    },
  )
  if (status !== 0 && quiet) process.stderr.write(`${stdout}${stderr}`)
  if (status !== 0) throw new Error(`cdk ${args[0]} failed; its messages are above`)
}

/** Deletes every version of every object. */
async function empty(s3, Bucket) {
  const { DeleteObjectsCommand, ListObjectVersionsCommand } = await import('@aws-sdk/client-s3')
  for (;;) {
    const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }))
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }))
    if (Objects.length === 0) return
    await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
  }
}
