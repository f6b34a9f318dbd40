import { randomUUID } from 'node:crypto'
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import {
  type ByteRange,
  checkKey,
  checkPrefix,
  conditionFailed,
  LIST_LIMIT,
  type ListOptions,
  notFound,
  type ObjectInfo,
  type ObjectPage,
  type ObjectStore,
  type PutOptions,
} from './object-store.ts'

export interface S3Options {
  bucket: string
  /** Anything that speaks S3; default: AWS, or `AWS_ENDPOINT_URL_S3` as the SDK reads it. */
  endpoint?: string | undefined
  /** How long a connection may be silent before the request is given up and repeated, ms. Default 30,000. */
  silenceMs?: number | undefined
}

/** Metadata under which a put leaves its mark, to know its own object again. */
const PUT_ID = 'boreal-put'

/** Objects in an S3 bucket. */
export class S3Objects implements ObjectStore {
  readonly #client: S3Client
  readonly #bucket: string

  constructor(options: S3Options, client: S3Client = createS3Client(options)) {
    this.#client = client
    this.#bucket = options.bucket
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<ObjectInfo> {
    checkKey(key)
    const putId = randomUUID()
    try {
      const { ETag } = await this.#client.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          Body: bytes,
          Metadata: { [PUT_ID]: putId },
          ...(options.ifAbsent ? { IfNoneMatch: '*' } : {}),
          ...(options.ifMatch === undefined ? {} : { IfMatch: options.ifMatch }),
        }),
      )
      return { size: bytes.byteLength, etag: ETag ?? '' }
    } catch (error) {
      if (!isFailedCondition(error, options)) throw error
      // The SDK may have repeated a put whose answer was lost: then it was our own object that stood in the way.
      const there = await this.#head(key)
      if (there?.Metadata?.[PUT_ID] !== putId) throw conditionFailed(key, options, error)
      return { size: bytes.byteLength, etag: there.ETag ?? '' }
    }
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array> {
    checkKey(key)
    try {
      if (range?.length === 0) return await this.#nothingOf(key)
      const { Body } = await this.#client.send(
        new GetObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          ...(range === undefined ? {} : { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
        }),
      )
      return await Body!.transformToByteArray()
    } catch (error) {
      if (isMissing(error)) throw notFound(key, error)
      // A range that starts behind the end: nothing is there.
      if (statusOf(error) === 416) return new Uint8Array()
      throw error
    }
  }

  async getShared(key: string): Promise<Uint8Array> {
    checkKey(key)
    try {
      const { Body, ContentLength } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }))
      const bytes = new Uint8Array(new SharedArrayBuffer(ContentLength!))
      let done = 0
      for await (const chunk of Body as AsyncIterable<Uint8Array>) {
        bytes.set(chunk, done)
        done += chunk.byteLength
      }
      return bytes.subarray(0, done)
    } catch (error) {
      throw isMissing(error) ? notFound(key, error) : error
    }
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    checkKey(key)
    const there = await this.#head(key)
    return there === undefined ? undefined : { size: there.ContentLength ?? 0, etag: there.ETag ?? '' }
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ObjectPage> {
    checkPrefix(prefix)
    const limit = Math.min(options.limit ?? LIST_LIMIT, LIST_LIMIT)
    const { Contents = [], IsTruncated } = await this.#client.send(
      new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: prefix,
        MaxKeys: limit,
        ...(options.after === undefined ? {} : { StartAfter: options.after }),
      }),
    )
    const objects = Contents.map((object) => ({ key: object.Key ?? '', size: object.Size ?? 0 }))
    // MinIO calls a full page after a given key complete when it is not: a listing must never end early.
    const mayBeMore = objects.length > 0 && (IsTruncated || objects.length >= limit)
    return mayBeMore ? { objects, next: objects.at(-1)!.key } : { objects }
  }

  async delete(key: string): Promise<void> {
    checkKey(key)
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key }))
  }

  async copy(from: string, to: string): Promise<void> {
    checkKey(from)
    checkKey(to)
    try {
      await this.#client.send(
        new CopyObjectCommand({ Bucket: this.#bucket, Key: to, CopySource: `${this.#bucket}/${from}` }),
      )
    } catch (error) {
      throw isMissing(error) ? notFound(from, error) : error
    }
  }

  /** A range of no length; HTTP has no such thing. */
  async #nothingOf(key: string): Promise<Uint8Array> {
    if ((await this.#head(key)) === undefined) throw notFound(key)
    return new Uint8Array()
  }

  async #head(key: string): Promise<HeadObjectCommandOutput | undefined> {
    try {
      return await this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key }))
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }
}

function createS3Client(options: S3Options): S3Client {
  const endpoint = options.endpoint ?? process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL
  return new S3Client({
    // Servers other than AWS want the bucket in the path.
    ...(endpoint === undefined
      ? {}
      : { endpoint, forcePathStyle: true, region: process.env.AWS_REGION ?? 'us-east-1' }),
    requestHandler: new NodeHttpHandler({ connectionTimeout: 3_000, socketTimeout: options.silenceMs ?? 30_000 }),
  })
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined
}

/** No such object. A bucket that is not there is a mistake in the settings. */
function isMissing(error: unknown): boolean {
  return statusOf(error) === 404 && (error as Error).name !== 'NoSuchBucket'
}

/** 412, or 409 when two conditional writes met, or nothing there to match: either way the object is not ours. */
function isFailedCondition(error: unknown, { ifAbsent, ifMatch }: PutOptions): boolean {
  if (ifMatch !== undefined && isMissing(error)) return true
  const status = statusOf(error)
  return (ifAbsent || ifMatch !== undefined) && (status === 412 || status === 409)
}
