import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { ownEndpoint } from '../../functions/own-endpoint.ts'

async function metadataServer(body: unknown): Promise<string> {
  const server = createServer((_, response) => response.end(JSON.stringify(body)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v4/id`
}

test('a container is reached at the address that ECS has given it', async () => {
  const Networks = [{ NetworkMode: 'awsvpc', IPv4Addresses: ['10.0.1.17'] }]
  const ECS_CONTAINER_METADATA_URI_V4 = await metadataServer({ Name: 'Node', Networks })
  expect(await ownEndpoint({ ECS_CONTAINER_METADATA_URI_V4 }, 8_080)).toBe('http://10.0.1.17:8080')
})

test('a setting goes before it, and without either nothing is made up', async () => {
  expect(await ownEndpoint({ BOREAL_ENDPOINT: 'http://a:1', ECS_CONTAINER_METADATA_URI_V4: 'http://b' }, 8_080)).toBe(
    'http://a:1',
  )
  expect(await ownEndpoint({}, 8_080)).toBeUndefined()
})

test('an answer without an address ends the start', async () => {
  const ECS_CONTAINER_METADATA_URI_V4 = await metadataServer({ Networks: [] })
  await expect(ownEndpoint({ ECS_CONTAINER_METADATA_URI_V4 }, 8_080)).rejects.toThrow()
})
