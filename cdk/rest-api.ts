import { aws_apigateway as apigateway, Duration, aws_logs as logs } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { acknowledge } from './acknowledge.ts'
import { type Lasting, removalPolicy } from './lasting.ts'
import type { Parameters } from './parameters.ts'

export interface RestApiProps extends Pick<Parameters, 'auth' | 'rateLimit' | 'burstLimit' | 'logDays'> {
  lasting: Lasting
  /** What answers. */
  integration: apigateway.Integration
}

/** The longest that API Gateway waits; the API itself gives up after 25 s. */
export const INTEGRATION_TIMEOUT = Duration.seconds(29)

/**
 * The API in front: throttled, logged, and asking for an API key or a signature where that is wanted. It passes every path
 * on, because the API checks routes, tokens, sizes and bodies itself and says what is wrong.
 */
export class BorealRestApi extends Construct {
  readonly api: apigateway.RestApi
  /** Of the key that clients send as `X-Api-Key`, if one is asked for. */
  readonly keyId: string | undefined

  constructor(scope: Construct, id: string, props: RestApiProps) {
    super(scope, id)
    const { auth, rateLimit, burstLimit, lasting, integration } = props
    const accessLog = new logs.LogGroup(this, 'AccessLog', {
      retention: props.logDays,
      removalPolicy: removalPolicy(lasting),
    })
    this.api = new apigateway.RestApi(this, 'Api', {
      description: 'Boreal: the state store of a cluster scheduler',
      endpointTypes: [apigateway.EndpointType.REGIONAL],
      cloudWatchRole: true,
      cloudWatchRoleRemovalPolicy: removalPolicy('disposable'),
      deployOptions: {
        stageName: 'api',
        throttlingRateLimit: rateLimit,
        throttlingBurstLimit: burstLimit,
        metricsEnabled: true,
        loggingLevel: apigateway.MethodLoggingLevel.ERROR,
        accessLogDestination: new apigateway.LogGroupLogDestination(accessLog),
        accessLogFormat: accessLogFormat(),
      },
    })
    const validator = this.api.addRequestValidator('Validator', {
      validateRequestParameters: true,
      validateRequestBody: false,
    })
    this.api.root.addResource('{proxy+}').addMethod('ANY', integration, {
      apiKeyRequired: auth === 'apiKey',
      authorizationType: auth === 'iam' ? apigateway.AuthorizationType.IAM : apigateway.AuthorizationType.NONE,
      requestParameters: { 'method.request.path.proxy': true },
      requestValidator: validator,
    })
    if (auth === 'apiKey') this.keyId = this.addKey(rateLimit, burstLimit)
    this.acknowledgements(auth)
  }

  private addKey(rateLimit: number, burstLimit: number): string {
    const key = this.api.addApiKey('Key')
    const plan = this.api.addUsagePlan('Plan', { throttle: { rateLimit, burstLimit } })
    plan.addApiKey(key)
    plan.addApiStage({ stage: this.api.deploymentStage })
    return key.keyId
  }

  private acknowledgements(auth: Parameters['auth']): void {
    acknowledge(
      this,
      'AwsSolutions-APIG3',
      'A web ACL is the choice of the account: attach one to the stage if clients are public.',
    )
    acknowledge(
      this,
      'AwsSolutions-APIG2',
      'Paths are validated here. Bodies are validated by the API, which says what is wrong with them and where.',
    )
    acknowledge(
      this,
      'AwsSolutions-COG4',
      'Clients are programs with tokens of the API or signatures, not users of a pool.',
    )
    acknowledge(
      this.api,
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
      'The role with which API Gateway writes its logs; the managed policy is made for it.',
    )
    if (auth !== 'iam') {
      acknowledge(
        this,
        'AwsSolutions-APIG4',
        'Every route asks for a token with a scope, in the API itself; /livez and /readyz are open.',
      )
    }
  }
}

/** One line of JSON per request. The token is in a header, and headers are not logged. */
function accessLogFormat(): apigateway.AccessLogFormat {
  const { AccessLogField: field } = apigateway
  return apigateway.AccessLogFormat.custom(
    JSON.stringify({
      requestId: field.contextRequestId(),
      time: field.contextRequestTime(),
      ip: field.contextIdentitySourceIp(),
      caller: field.contextIdentityCaller(),
      method: field.contextHttpMethod(),
      path: field.contextPath(),
      status: field.contextStatus(),
      bytes: field.contextResponseLength(),
      ms: field.contextResponseLatency(),
      error: field.contextErrorMessage(),
    }),
  )
}
