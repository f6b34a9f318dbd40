import { expect, test } from 'vitest'
import { synthesized, textOf } from './synthesized.ts'

const { template } = synthesized({ profile: 'busy' })

test('two containers, and a deploy that starts a new one before it stops an old one', () => {
  expect(template.resource('AWS::ECS::Service').Properties).toMatchObject({
    DesiredCount: 2,
    LaunchType: 'FARGATE',
    DeploymentConfiguration: {
      MinimumHealthyPercent: 100,
      MaximumPercent: 200,
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
    },
    NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'DISABLED' } },
  })
})

test('in two zones', () => {
  const { Subnets } = template.resource('AWS::ECS::Service').Properties.NetworkConfiguration.AwsvpcConfiguration
  expect(new Set(Subnets.map(textOf)).size).toBe(2)
  const zones = Object.values(template.resources('AWS::EC2::Subnet')).map(({ Properties }) =>
    JSON.stringify(Properties.AvailabilityZone),
  )
  expect(new Set(zones).size).toBe(2)
})

test('without a way to or from the internet', () => {
  for (const type of ['AWS::EC2::InternetGateway', 'AWS::EC2::NatGateway', 'AWS::EC2::EIP']) {
    expect(template.resources(type)).toEqual({})
  }
  expect(template.resource('AWS::ElasticLoadBalancingV2::LoadBalancer').Properties).toMatchObject({
    Scheme: 'internal',
    Type: 'network',
  })
  for (const { Properties } of Object.values(template.resources('AWS::EC2::SecurityGroup'))) {
    for (const { CidrIp } of Properties.SecurityGroupIngress ?? []) expect(CidrIp).toBe('10.0.0.0/16')
  }
})

test('the balancer asks whether weak reads can be served, so that it keeps containers while the log is away', () => {
  expect(template.resource('AWS::ElasticLoadBalancingV2::TargetGroup').Properties).toMatchObject({
    HealthCheckPath: '/readyz?level=weak',
    HealthCheckProtocol: 'HTTP',
    Port: 8_080,
  })
})

test('API Gateway reaches it by a link, and no function serves the API', () => {
  const { Integration } = template.resource('AWS::ApiGateway::Method').Properties
  expect(Integration).toMatchObject({ Type: 'HTTP_PROXY', ConnectionType: 'VPC_LINK', TimeoutInMillis: 29_000 })
  expect(Object.keys(template.resources('AWS::Lambda::Function'))).toHaveLength(6)
})

test('the container gets its tokens as a secret, writes nowhere, and has a minute to end', () => {
  const { ContainerDefinitions, RuntimePlatform } = template.resource('AWS::ECS::TaskDefinition').Properties
  expect(RuntimePlatform).toMatchObject({ CpuArchitecture: 'ARM64' })
  expect(ContainerDefinitions).toMatchObject([{ ReadonlyRootFilesystem: true, StopTimeout: 60 }])
  expect(ContainerDefinitions[0].Secrets).toMatchObject([{ Name: 'BOREAL_TOKENS' }])
  expect(JSON.stringify(ContainerDefinitions[0].Environment)).not.toMatch(/TOKEN/)
  expect(ContainerDefinitions[0].Environment).toContainEqual({ Name: 'BOREAL_WRITERS', Value: 'leased' })
})

test('figures of the containers become metrics, with alarms for lag, lease and health', () => {
  const filters = Object.values(template.resources('AWS::Logs::MetricFilter')).map(({ Properties }) => Properties)
  for (const { MetricTransformations } of filters) {
    expect(MetricTransformations[0]).toMatchObject({ MetricNamespace: 'Boreal' })
    expect(MetricTransformations[0].MetricValue).toMatch(/^\$\.\w+$/)
  }
  const ids = Object.keys(template.resources('AWS::CloudWatch::Alarm')).join()
  for (const name of ['ReplicaLag', 'TailAge', 'LeaseChanges', 'UnhealthyLeaders', 'LogErrors'])
    expect(ids).toContain(name)
})
