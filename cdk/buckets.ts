import { Duration, aws_s3 as s3 } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { acknowledge } from './acknowledge.ts'
import { type Lasting, removalPolicy } from './lasting.ts'

export interface BucketsProps {
  lasting: Lasting
  /** Days a version stays after it was replaced or deleted. */
  noncurrentDays: number
  /** Days for which a backup cannot be deleted by anybody; 0: no lock. */
  backupLockDays: number
  logDays: number
}

/** Where snapshots, large bodies and the archive are, where backups are, and the log of who asked for which object. */
export class Buckets extends Construct {
  readonly objects: s3.Bucket
  readonly backups: s3.Bucket
  readonly accessLogs: s3.Bucket

  constructor(scope: Construct, id: string, props: BucketsProps) {
    super(scope, id)
    const { lasting, noncurrentDays, backupLockDays, logDays } = props
    const common: s3.BucketProps = {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      encryption: s3.BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      removalPolicy: removalPolicy(lasting),
    }
    this.accessLogs = new s3.Bucket(this, 'AccessLogs', {
      ...common,
      lifecycleRules: [{ expiration: Duration.days(logDays), ...aborted }],
    })
    acknowledge(
      this.accessLogs,
      'AwsSolutions-S1',
      'It is where the other buckets log to; a log of itself would grow for ever.',
    )
    const data: s3.BucketProps = {
      ...common,
      versioned: true,
      serverAccessLogsBucket: this.accessLogs,
      // What functions have deleted stays for a while, and nothing else ever goes: the code decides what is needed.
      lifecycleRules: [
        { noncurrentVersionExpiration: Duration.days(noncurrentDays), expiredObjectDeleteMarker: true, ...aborted },
      ],
    }
    this.objects = new s3.Bucket(this, 'Objects', { ...data, serverAccessLogsPrefix: 'objects/' })
    this.backups = new s3.Bucket(this, 'Backups', {
      ...data,
      serverAccessLogsPrefix: 'backups/',
      ...(backupLockDays === 0
        ? {}
        : {
            objectLockEnabled: true,
            objectLockDefaultRetention: s3.ObjectLockRetention.compliance(Duration.days(backupLockDays)),
          }),
    })
  }
}

/** Uploads that nobody finished. */
const aborted = { abortIncompleteMultipartUploadAfter: Duration.days(1) }
