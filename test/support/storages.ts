import { afterAll, describe } from 'vitest'
import { BorealClient } from '../../lib/client/client.ts'
import { httpTransport } from '../../lib/storage/http-transport.ts'
import { localTransport } from '../../lib/storage/local-transport.ts'
import { createStorage, type Storage, type StorageOptions } from '../../lib/storage/storage.ts'
import type { StorageTransport } from '../../lib/storage/transport.ts'
import { memoryNode } from './memory-node.ts'
import { serveNode, type TestApi, WRITE_TOKEN } from './test-api.ts'

/** A storage, with what a test needs to look behind it. */
export interface TestStorage {
  storage: Storage
  /** The way to the node, to count and to disturb. */
  transport: StorageTransport
  /** What somebody else sees, and does. */
  api: TestApi
  /** A storage over a transport that is like this one, but changed. */
  over(change: (transport: StorageTransport) => Partial<StorageTransport>, options?: StorageOptions): Storage
}

/** Runs tests against a storage in process (without readers, and with one) and one over HTTP. */
export function describeStorages(name: string, tests: (made: TestStorage) => void): void {
  describe.each([
    ['in process', 'local', 0],
    ['in process, with a reader', 'local', 1],
    ['over HTTP', 'http', 0],
  ] as const)(`${name} %s`, async (_, kind, readers) => {
    const { node } = await memoryNode({ readers, cleanup: afterAll })
    const api = await serveNode(node, afterAll)
    const transport =
      kind === 'local'
        ? localTransport(node, 'library')
        : httpTransport(new BorealClient({ url: api.url, token: WRITE_TOKEN }))
    const over: TestStorage['over'] = (change, options) =>
      createStorage({ ...transport, ...change(transport) }, options)
    const storage = createStorage(transport)
    afterAll(() => storage.close())
    tests({ storage, transport, api, over })
  })
}
