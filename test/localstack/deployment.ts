import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { TestApi } from '../support/test-api.ts'

/** Outputs of the deployed stack. */
const outputs = JSON.parse(process.env.BOREAL_TEST_STACK!) as Record<string, string>
const endpoint = process.env.AWS_ENDPOINT_URL!

export const api = new TestApi(process.env.BOREAL_TEST_URL!)

export const BUCKETS = { objects: outputs.ObjectsBucket!, backups: outputs.BackupsBucket! }
export const FUNCTIONS = {
  api: outputs.ApiFunction!,
  snapshot: outputs.SnapshotFunction!,
  backup: outputs.BackupFunction!,
  verify: outputs.VerifyFunction!,
  archive: outputs.ArchiveFunction!,
  trim: outputs.TrimFunction!,
  sweep: outputs.SweepFunction!,
}

const s3 = new S3Client({ endpoint, forcePathStyle: true })

/** Keys of a bucket that match. */
export async function keysOf(bucket: string, pattern: RegExp): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }))
  return Contents.map(({ Key = '' }) => Key).filter((key) => pattern.test(key))
}

/** A request to a service that has no client here; this server looks at the form of the signature only. */
async function call(service: string, method: string, path: string, body: unknown, target?: string): Promise<Response> {
  return fetch(endpoint + path, {
    method,
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
      'content-type': target === undefined ? 'application/json' : 'application/x-amz-json-1.1',
      ...(target === undefined ? {} : { 'x-amz-target': target }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

/** Invokes a function and waits for its answer. */
export async function invoke(name: string): Promise<{ error: boolean; outcome: unknown }> {
  const response = await call('lambda', 'POST', `/2015-03-31/functions/${name}/invocations`, {})
  const text = await response.text()
  return { error: response.headers.has('x-amz-function-error'), outcome: text === '' ? undefined : JSON.parse(text) }
}

/** Gives a function another time-out: its environments end, and the next request starts a new one. */
export async function setTimeoutOf(name: string, seconds: number): Promise<void> {
  const path = `/2015-03-31/functions/${name}`
  await call('lambda', 'PUT', `${path}/configuration`, { Timeout: seconds })
  for (;;) {
    const { Configuration } = (await (await call('lambda', 'GET', path, undefined)).json()) as {
      Configuration: { LastUpdateStatus: string }
    }
    if (Configuration.LastUpdateStatus === 'Successful') return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** Lines of a function's log, parsed, with this message. */
export async function logged(name: string, message: string): Promise<Record<string, unknown>[]> {
  const groups = (await (await call('logs', 'POST', '/', {}, 'Logs_20140328.DescribeLogGroups')).json()) as {
    logGroups: { logGroupName: string }[]
  }
  const lines: Record<string, unknown>[] = []
  for (const { logGroupName } of groups.logGroups) {
    const found = await call('logs', 'POST', '/', { logGroupName }, 'Logs_20140328.FilterLogEvents')
    const { events = [] } = (await found.json()) as { events?: { message: string }[] }
    for (const { message: text } of events) {
      if (!text.includes(JSON.stringify(message))) continue
      const line = JSON.parse(text.slice(text.indexOf('{'))) as Record<string, unknown>
      if (line.message === message && String(line.service) === `boreal-${name}`) lines.push(line)
    }
  }
  return lines
}
