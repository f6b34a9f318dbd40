import {
  aws_apigateway as apigateway,
  type aws_cloudwatch as cloudwatch,
  Duration,
  aws_ecr_assets as ecrAssets,
  aws_ecs as ecs,
  aws_elasticloadbalancingv2 as elb,
  type aws_iam as iam,
  aws_logs as logs,
  type aws_secretsmanager as secrets,
} from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { acknowledge } from './acknowledge.ts'
import { roleFor } from './grants.ts'
import { type Lasting, removalPolicy } from './lasting.ts'
import { figureMetrics } from './measures.ts'
import type { Parameters } from './parameters.ts'
import type { PrivateNetwork } from './private-network.ts'
import { INTEGRATION_TIMEOUT } from './rest-api.ts'

export interface LeaderServiceProps {
  parameters: Parameters
  lasting: Lasting
  network: PrivateNetwork
  /** Folder with the Dockerfile and what goes into the image. */
  bundle: string
  environment: Record<string, string>
  tokens: secrets.Secret
}

const PORT = 8_080

/** What a balancer should ask: also while the log is away, when weak reads go on. */
const HEALTH_PATH = '/readyz?level=weak'

/**
 * Leader and standby: two containers of one image, one in each zone, behind a balancer that only API Gateway reaches. Both
 * take requests; one holds the writer lease, and the other passes on to it what it cannot do itself. A deploy starts a new
 * one before it stops an old one.
 */
export class LeaderService extends Construct {
  readonly role: iam.Role
  readonly integration: apigateway.Integration
  readonly unhealthyHosts: cloudwatch.IMetric

  constructor(scope: Construct, id: string, props: LeaderServiceProps) {
    super(scope, id)
    const { network } = props
    const task = this.#task(props)
    this.role = task.taskRole as iam.Role
    const cluster = new ecs.Cluster(this, 'Cluster', {
      vpc: network.vpc,
      containerInsightsV2: ecs.ContainerInsights.ENABLED,
    })
    const service = new ecs.FargateService(this, 'Service', {
      cluster,
      taskDefinition: task,
      desiredCount: 2,
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { rollback: true },
      healthCheckGracePeriod: Duration.minutes(5),
      vpcSubnets: network.subnets,
      securityGroups: [network.securityGroup(this, 'Containers', PORT)],
      assignPublicIp: false,
    })
    const balancer = new elb.NetworkLoadBalancer(this, 'Balancer', {
      vpc: network.vpc,
      vpcSubnets: network.subnets,
      internetFacing: false,
      crossZoneEnabled: true,
    })
    acknowledge(
      balancer,
      'AwsSolutions-ELB2',
      'A network balancer logs TLS connections only; API Gateway logs every request.',
    )
    const targets = balancer.addListener('Http', { port: 80 }).addTargets('Containers', {
      port: PORT,
      protocol: elb.Protocol.TCP,
      targets: [service],
      deregistrationDelay: Duration.seconds(30),
      healthCheck: {
        protocol: elb.Protocol.HTTP,
        path: HEALTH_PATH,
        interval: Duration.seconds(5),
        timeout: Duration.seconds(3),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 2,
      },
    })
    this.unhealthyHosts = targets.metrics.unHealthyHostCount({ statistic: 'Maximum', period: Duration.minutes(1) })
    this.integration = this.#integration(balancer)
  }

  #task({ parameters, bundle, environment, tokens, lasting }: LeaderServiceProps): ecs.FargateTaskDefinition {
    const { leaderCpu, leaderMemoryMb, readers, architecture, logDays } = parameters
    const logGroup = new logs.LogGroup(this, 'Log', { retention: logDays, removalPolicy: removalPolicy(lasting) })
    figureMetrics(this, logGroup)
    const arm = architecture === 'arm64'
    const task = new ecs.FargateTaskDefinition(this, 'Task', {
      cpu: leaderCpu,
      memoryLimitMiB: leaderMemoryMb,
      taskRole: roleFor(this, 'Role', 'ecs-tasks.amazonaws.com'),
      runtimePlatform: {
        cpuArchitecture: arm ? ecs.CpuArchitecture.ARM64 : ecs.CpuArchitecture.X86_64,
        operatingSystemFamily: ecs.OperatingSystemFamily.LINUX,
      },
    })
    const platform = arm ? ecrAssets.Platform.LINUX_ARM64 : ecrAssets.Platform.LINUX_AMD64
    task.addContainer('Node', {
      image: ecs.ContainerImage.fromAsset(bundle, { platform }),
      portMappings: [{ containerPort: PORT }],
      logging: ecs.LogDriver.awsLogs({ logGroup, streamPrefix: 'leader' }),
      environment: {
        ...environment,
        BOREAL_PORT: String(PORT),
        BOREAL_READERS: String(readers),
        // Each finds its own address and tells it the other in the lease.
        BOREAL_WRITERS: 'leased',
      },
      secrets: { BOREAL_TOKENS: ecs.Secret.fromSecretsManager(tokens) },
      readonlyRootFilesystem: true,
      // What is on its way is finished after SIGTERM.
      stopTimeout: Duration.seconds(60),
    })
    acknowledge(
      task,
      'AwsSolutions-ECS2',
      'The variables are names of the table, the bucket and settings; tokens come as a secret.',
    )
    acknowledge(
      task,
      'AwsSolutions-IAM5[Resource::*]',
      'The role with which ECS pulls the image: a token for the registry has no resource.',
    )
    return task
  }

  #integration(balancer: elb.NetworkLoadBalancer): apigateway.Integration {
    return new apigateway.Integration({
      type: apigateway.IntegrationType.HTTP_PROXY,
      integrationHttpMethod: 'ANY',
      uri: `http://${balancer.loadBalancerDnsName}/{proxy}`,
      options: {
        connectionType: apigateway.ConnectionType.VPC_LINK,
        vpcLink: new apigateway.VpcLink(this, 'Link', { targets: [balancer] }),
        requestParameters: { 'integration.request.path.proxy': 'method.request.path.proxy' },
        timeout: INTEGRATION_TIMEOUT,
      },
    })
  }
}
