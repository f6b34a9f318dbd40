// Points the CDK and the SDK at a LocalStack.

/** Where a LocalStack is by default. */
const ENDPOINT = 'http://localhost:4566'

export function localstackEnvironment(endpoint = process.env.AWS_ENDPOINT_URL ?? ENDPOINT) {
  const { AWS_PROFILE, AWS_SESSION_TOKEN, ...rest } = process.env
  return {
    ...rest,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_S3: endpoint.replace('//localhost', '//127.0.0.1'),
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    CDK_DEFAULT_ACCOUNT: '000000000000',
    CDK_DEFAULT_REGION: 'us-east-1',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
  }
}
