import {
  type Duration,
  type aws_iam as iam,
  aws_lambda as lambda,
  aws_logs as logs,
  type aws_sqs as sqs,
} from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { acknowledge } from './acknowledge.ts'
import { roleFor } from './grants.ts'
import { type Lasting, removalPolicy } from './lasting.ts'

/** What all functions of a stack have in common. */
export interface FunctionSetting {
  code: lambda.Code
  architecture: lambda.Architecture
  environment: Record<string, string>
  logDays: number
  lasting: Lasting
}

export interface BorealFunctionProps extends FunctionSetting {
  /** File of the bundle. */
  entry: string
  description: string
  memoryMb: number
  timeout: Duration
  concurrency?: number | undefined
  /** Where events go that failed after their retries. */
  deadLetters?: sqs.IQueue | undefined
}

/** A function from the bundle, with a role of its own that may do nothing but write its log. */
export class BorealFunction extends Construct {
  readonly fn: lambda.Function
  readonly role: iam.Role

  constructor(scope: Construct, id: string, props: BorealFunctionProps) {
    super(scope, id)
    const { entry, description, memoryMb, timeout, concurrency, deadLetters, code, architecture, environment } = props
    this.role = roleFor(this, 'Role', 'lambda.amazonaws.com')
    const logGroup = new logs.LogGroup(this, 'Log', {
      retention: props.logDays,
      removalPolicy: removalPolicy(props.lasting),
    })
    logGroup.grantWrite(this.role)
    this.fn = new lambda.Function(this, 'Function', {
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture,
      code,
      handler: `${entry}.handler`,
      description,
      role: this.role,
      memorySize: memoryMb,
      timeout,
      environment,
      logGroup,
      ...(concurrency === undefined ? {} : { reservedConcurrentExecutions: concurrency }),
      ...(deadLetters === undefined ? {} : { deadLetterQueue: deadLetters, retryAttempts: 2 }),
    })
    acknowledge(this.fn, 'AwsSolutions-L1', 'Node 24 is the newest runtime that the code was tried on.')
  }
}
