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
import {
  type ByteRange,
  checkKey,
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
      if (!isFailedCondition(error)) throw error
      // The SDK may have repeated a put whose answer was lost: then it was our own object that stood in the way.
      const there = await this.#head(key)
      if (there?.Metadata?.[PUT_ID] !== putId) throw conditionFailed(key, options, error)
      return { size: bytes.byteLength, etag: there.ETag ?? '' }
    }
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array> {
    checkKey(key)
    if (range?.length === 0) return new Uint8Array()
    try {
      const { Body } = await this.#client.send(
        new GetObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          ...(range === undefined ? {} : { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
        }),
      )
      return await Body!.transformToByteArray()
    } catch (error) {
      if (statusOf(error) === 404) throw notFound(key, error)
      // A range that starts behind the end: nothing is there.
      if (statusOf(error) === 416) return new Uint8Array()
      throw error
    }
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    checkKey(key)
    const there = await this.#head(key)
    return there === undefined ? undefined : { size: there.ContentLength ?? 0, etag: there.ETag ?? '' }
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ObjectPage> {
    const { Contents = [], IsTruncated } = await this.#client.send(
      new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: prefix,
        MaxKeys: Math.min(options.limit ?? LIST_LIMIT, LIST_LIMIT),
        ...(options.after === undefined ? {} : { StartAfter: options.after }),
      }),
    )
    const objects = Contents.map((object) => ({ key: object.Key ?? '', size: object.Size ?? 0 }))
    return IsTruncated && objects.length > 0 ? { objects, next: objects.at(-1)!.key } : { objects }
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
      throw statusOf(error) === 404 ? notFound(from, error) : error
    }
  }

  async #head(key: string): Promise<HeadObjectCommandOutput | undefined> {
    try {
      return await this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key }))
    } catch (error) {
      if (statusOf(error) === 404) return undefined
      throw error
    }
  }
}

function createS3Client(options: S3Options): S3Client {
  const endpoint = options.endpoint ?? process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL
  // Servers other than AWS want the bucket in the path.
  return new S3Client(
    endpoint === undefined ? {} : { endpoint, forcePathStyle: true, region: process.env.AWS_REGION ?? 'us-east-1' },
  )
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined
}

/** 412, or 409 when two conditional writes met: either way the object is not ours. */
function isFailedCondition(error: unknown): boolean {
  const status = statusOf(error)
  return status === 412 || status === 409
}
