import {
  type App,
  aws_apigateway as apigateway,
  CfnOutput,
  type aws_iam as iam,
  aws_lambda as lambda,
  Stack,
  aws_secretsmanager as secrets,
} from 'aws-cdk-lib'
import { acknowledge } from './acknowledge.ts'
import { BorealFunction, type FunctionSetting } from './boreal-function.ts'
import { Buckets } from './buckets.ts'
import { DeadLetters } from './dead-letters.ts'
import { EventTable } from './event-table.ts'
import { addsObjects, deletesObjects, putsObjects, readsObjects } from './grants.ts'
import { capital, JOBS, type Resources } from './jobs.ts'
import { type Lasting, removalPolicy } from './lasting.ts'
import { LeaderService } from './leader-service.ts'
import { writesLog } from './log-grants.ts'
import type { Parameters } from './parameters.ts'
import { PrivateNetwork } from './private-network.ts'
import { BorealRestApi, INTEGRATION_TIMEOUT } from './rest-api.ts'
import { ScheduledJob } from './scheduled-job.ts'
import { Watch } from './watch.ts'

export interface BorealStackProps {
  parameters: Parameters
  /** Folder with the bundled functions. */
  bundle: string
}

/** Everything of one store. */
export class BorealStack extends Stack {
  constructor(app: App, { parameters, bundle }: BorealStackProps) {
    super(app, parameters.stackName, { description: `Boreal, profile ${parameters.profile}` })
    const { logDays } = parameters
    const lasting: Lasting = parameters.stage === 'dev' ? 'disposable' : 'kept'
    const { table } = new EventTable(this, 'Log', { lasting })
    const buckets = new Buckets(this, 'Storage', { ...parameters, lasting })
    const resources: Resources = { table, buckets }
    const tokens = this.#tokens(lasting)
    const setting: FunctionSetting = {
      code: lambda.Code.fromAsset(bundle),
      architecture: parameters.architecture === 'arm64' ? lambda.Architecture.ARM_64 : lambda.Architecture.X86_64,
      environment: {
        BOREAL_TABLE: table.tableName,
        BOREAL_BUCKET: buckets.objects.bucketName,
        BOREAL_BACKUP_BUCKET: buckets.backups.bucketName,
        BOREAL_NAME: parameters.storeName,
        BOREAL_STACK: this.stackName,
        BOREAL_TABLE_HOURS: String(parameters.tableHours),
        BOREAL_TOMBSTONE_DAYS: String(parameters.tombstoneDays),
        BOREAL_RESTORE_DAYS: String(parameters.restoreDays),
      },
      logDays,
      lasting,
    }
    const deadLetters = new DeadLetters(this, 'DeadLetters').queue
    const jobs = this.#jobs(parameters, setting, resources, deadLetters)
    const { integration, apiFunction, leaders } =
      parameters.profile === 'small'
        ? this.#small(parameters, setting, resources, tokens)
        : this.#busy(parameters, setting, resources, tokens, bundle)
    const rest = new BorealRestApi(this, 'Rest', { ...parameters, lasting, integration })
    const watch = new Watch(this, 'Watch', {
      parameters,
      api: rest.api,
      table,
      jobs,
      deadLetters,
      apiFunction,
      leaders,
    })
    const outputs = {
      Url: rest.api.url,
      ApiId: rest.api.restApiId,
      Table: table.tableName,
      ObjectsBucket: buckets.objects.bucketName,
      BackupsBucket: buckets.backups.bucketName,
      AccessLogsBucket: buckets.accessLogs.bucketName,
      TokensSecret: tokens.secretArn,
      AlarmTopic: watch.alarms.topic.topicArn,
      DeadLettersUrl: deadLetters.queueUrl,
      ...(rest.keyId === undefined ? {} : { ApiKeyId: rest.keyId }),
      ...(apiFunction === undefined ? {} : { ApiFunction: apiFunction.functionName }),
      ...Object.fromEntries(Object.entries(jobs).map(([name, fn]) => [`${capital(name)}Function`, fn.functionName])),
    }
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value })
  }

  /** The token of an administrator, made here; others are added to the secret. */
  #tokens(lasting: Lasting): secrets.Secret {
    const secret = new secrets.Secret(this, 'Tokens', {
      description: 'Tokens of the API: an admin token, or name:scope:secret, separated by commas',
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
      removalPolicy: removalPolicy(lasting),
    })
    acknowledge(
      secret,
      'AwsSolutions-SMG4',
      'Clients hold the tokens; a rotation that they do not know of would lock them out.',
    )
    return secret
  }

  #jobs(
    parameters: Parameters,
    setting: FunctionSetting,
    resources: Resources,
    deadLetters: DeadLetters['queue'],
  ): Record<string, lambda.Function> {
    const entries = Object.entries(JOBS).map(([name, { description, every, memoryMb, timeout, grant }]) => {
      const { job } = new ScheduledJob(this, capital(name), {
        ...setting,
        ...{ entry: name, description, timeout, deadLetters },
        every: every(parameters),
        memoryMb: memoryMb(parameters),
      })
      grant(job.role, resources)
      return [name, job.fn] as const
    })
    return Object.fromEntries(entries)
  }

  #small(parameters: Parameters, setting: FunctionSetting, resources: Resources, tokens: secrets.Secret) {
    const { fn, role } = new BorealFunction(this, 'Api', {
      ...setting,
      environment: {
        ...setting.environment,
        BOREAL_TOKENS_SECRET: tokens.secretArn,
        BOREAL_STORE_MB: String(storeMb(parameters.apiMemoryMb)),
      },
      entry: 'api',
      description: 'Boreal: the API, with the store',
      memoryMb: parameters.apiMemoryMb,
      timeout: INTEGRATION_TIMEOUT,
      concurrency: parameters.apiConcurrency,
    })
    tokens.grantRead(role)
    grantApi(role, resources)
    const integration = new apigateway.LambdaIntegration(fn, { timeout: INTEGRATION_TIMEOUT })
    return { integration, apiFunction: fn, leaders: undefined }
  }

  #busy(
    parameters: Parameters,
    setting: FunctionSetting,
    resources: Resources,
    tokens: secrets.Secret,
    bundle: string,
  ) {
    const { lasting, logDays, environment } = setting
    const network = new PrivateNetwork(this, 'Network', { lasting, logDays })
    const leaders = new LeaderService(this, 'Leaders', {
      parameters,
      lasting,
      network,
      bundle,
      environment,
      tokens,
    })
    grantApi(leaders.role, resources)
    return { integration: leaders.integration, apiFunction: undefined, leaders }
  }
}

/** What of a function's memory the store may take before additions are refused; the rest is for Node and requests. */
function storeMb(memoryMb: number): number {
  return Math.floor((memoryMb - 384) * 0.85)
}

/**
 * What serves the API appends to the log, and does at once what the jobs do from time to time, but for what takes
 * anything away: of objects it deletes what was staged, and recoveries that are unloaded. Backups it adds.
 */
function grantApi(role: iam.Role, { table, buckets: { objects, backups } }: Resources): void {
  writesLog(role, table)
  readsObjects(role, objects)
  putsObjects(role, objects, 'bodies/*', 'snapshots/*', 'archive/*', 'staged/*', 'operations/*', 'recoveries/*')
  deletesObjects(role, objects, 'staged/*', 'recoveries/*')
  readsObjects(role, backups)
  addsObjects(role, backups, 'backups/*')
  putsObjects(role, backups, 'backups/*/drill.json')
}
