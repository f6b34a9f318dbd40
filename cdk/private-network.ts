import { aws_ec2 as ec2, aws_logs as logs } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { type Lasting, removalPolicy } from './lasting.ts'

/** What containers ask besides the table and the buckets. */
const ENDPOINTS = {
  Registry: ec2.InterfaceVpcEndpointAwsService.ECR,
  Images: ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
  Logs: ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
  Secrets: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
}

/** Of the network's own: nothing outside is connected to it. */
const RANGE = '10.0.0.0/16'

/** Two zones without a way to or from the internet: AWS is reached by endpoints, of which those to the log cost nothing. */
export class PrivateNetwork extends Construct {
  readonly vpc: ec2.Vpc
  readonly subnets: ec2.SubnetSelection = { subnetType: ec2.SubnetType.PRIVATE_ISOLATED }

  constructor(scope: Construct, id: string, { logDays, lasting }: { logDays: number; lasting: Lasting }) {
    super(scope, id)
    this.vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr(RANGE),
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'private', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 24 }],
      gatewayEndpoints: {
        Log: { service: ec2.GatewayVpcEndpointAwsService.DYNAMODB },
        Objects: { service: ec2.GatewayVpcEndpointAwsService.S3 },
      },
    })
    const logGroup = new logs.LogGroup(this, 'FlowLog', { retention: logDays, removalPolicy: removalPolicy(lasting) })
    this.vpc.addFlowLog('Flow', {
      destination: ec2.FlowLogDestination.toCloudWatchLogs(logGroup),
      trafficType: ec2.FlowLogTrafficType.REJECT,
    })
    const securityGroups = [this.securityGroup(this, 'Endpoints', 443)]
    for (const [name, service] of Object.entries(ENDPOINTS)) {
      this.vpc.addInterfaceEndpoint(name, { service, subnets: this.subnets, securityGroups, open: false })
    }
  }

  /** A security group that lets the network itself reach a port, and nobody else anything. */
  securityGroup(scope: Construct, id: string, port: number): ec2.SecurityGroup {
    const group = new ec2.SecurityGroup(scope, `${id}Group`, { vpc: this.vpc, description: `Boreal: ${id}` })
    group.addIngressRule(ec2.Peer.ipv4(RANGE), ec2.Port.tcp(port), 'from the network itself')
    return group
  }
}
