import { App, type AppProps, type IPolicyValidationPlugin, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { BorealStack } from './boreal-stack.ts'
import { parametersOf } from './parameters.ts'

/** Behaviour of the CDK that is off unless it is asked for. */
const FLAGS = {
  // Buckets are logged to by their policy, and have no access control lists.
  '@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy': true,
  '@aws-cdk/core:checkSecretUsage': true,
}

/** The app, with what cdk-nag has to say about it unless other checks are named. Parameters come from the context (`-c name=value`). */
export function borealApp(
  bundle: string,
  { context, ...props }: AppProps = {},
  checks: IPolicyValidationPlugin[] = [new AwsSolutionsChecks()],
): { app: App; stack: BorealStack } {
  const app = new App({ ...props, context: { ...FLAGS, ...context } })
  Validations.of(app).addPlugins(...checks)
  const stack = new BorealStack(app, { parameters: parametersOf(app.node.getAllContext()), bundle })
  return { app, stack }
}
