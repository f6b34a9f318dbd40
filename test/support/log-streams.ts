import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { request } from 'undici'
import { onTestFinished } from 'vitest'
import type { Logger } from '../../lib/model/logger.ts'
import type { FollowOptions } from '../../lib/replica/log-stream.ts'
import { memoryNode, type TestNode, type TestNodeOptions } from './memory-node.ts'
import { ADMIN_TOKEN, serveNode } from './test-api.ts'

const NEVER_MS = 3_600_000

/** A node whose API and stream are served. */
export async function leading(options: TestNodeOptions = {}): Promise<TestNode & { url: string }> {
  const leader = await memoryNode({ pollMs: NEVER_MS, ...options })
  return { ...leader, url: (await serveNode(leader.node)).url }
}

export interface Following extends TestNode {
  /** What it warned of. */
  warnings: { message: string; fields: Record<string, unknown> | undefined }[]
  /** Reads of the log since it was opened. */
  readonly reads: number
}

/** A node on the same table that follows what `url` serves; by default it looks at the log only when it is asked to. */
export async function following(
  { table, storeId, bodies }: TestNode,
  url: string | (() => string | undefined),
  { term, ...options }: TestNodeOptions & Pick<FollowOptions, 'term'> = {},
): Promise<Following> {
  const warnings: Following['warnings'] = []
  const none = () => undefined
  const logger: Logger = {
    ...{ debug: none, info: none, error: none },
    warn: (message, fields) => void warnings.push({ message, fields }),
  }
  const leaderEndpoint = typeof url === 'string' ? () => url : url
  const node = await memoryNode({
    ...{ table, storeId, bodies, logger, pollMs: NEVER_MS },
    follow: { leaderEndpoint, token: ADMIN_TOKEN, ...(term === undefined ? {} : { term }) },
    ...options,
  })
  let reads = 0
  node.events.onRead = () => void reads++
  return {
    ...node,
    warnings,
    get reads() {
      return reads
    },
  }
}

/** What becomes of a line on its way; undefined takes it away. */
export type Mangle = (line: string, connection: number) => string | undefined

/** A way to a leader that does something to what it says. */
export async function manglingProxy(leader: string, mangle: Mangle): Promise<string> {
  let connections = 0
  const server = createServer((incoming, outgoing) => {
    const { authorization = '', 'boreal-store': store = '' } = incoming.headers
    const headers = { authorization, 'boreal-store': String(store) }
    void pass(leader + incoming.url, headers, outgoing, mangle, connections++).catch(() => outgoing.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function pass(
  url: string,
  headers: Record<string, string>,
  outgoing: ServerResponse,
  mangle: Mangle,
  connection: number,
): Promise<void> {
  const gone = new AbortController()
  outgoing.once('close', () => gone.abort())
  const { statusCode, body } = await request(url, { headers, signal: gone.signal })
  outgoing.writeHead(statusCode)
  let rest = ''
  for await (const piece of body.setEncoding('utf8')) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      const sent = mangle(line, connection)
      if (sent !== undefined) outgoing.write(`${sent}\n`)
    }
  }
  outgoing.end()
}
