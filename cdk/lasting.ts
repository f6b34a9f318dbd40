import { RemovalPolicy } from 'aws-cdk-lib'

/** Whether what holds data outlives its stack. */
export type Lasting = 'kept' | 'disposable'

export function removalPolicy(lasting: Lasting): RemovalPolicy {
  return lasting === 'kept' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY
}
