import { expect } from 'vitest'
import { BorealProcess, freePort } from './server-process.ts'
import { temporaryFolder } from './temporary.ts'
import type { TestApi } from './test-api.ts'

/** Two nodes on one table, of which one leads. */
export class LeasedPair {
  readonly #table: BorealProcess
  readonly #args: string[]
  readonly #ports: number[]
  readonly nodes: BorealProcess[] = []

  private constructor(table: BorealProcess, args: string[], ports: number[]) {
    this.#table = table
    this.#args = args
    this.#ports = ports
  }

  static async start(args: string[] = []): Promise<LeasedPair> {
    const folder = await temporaryFolder()
    const table = await BorealProcess.table(folder)
    const shared = ['--table', 'boreal', '--create-table', '--objects', `${folder}/objects`, '--readers', '0']
    const pair = new LeasedPair(
      table,
      [...shared, '--writers', 'leased', ...args],
      [await freePort(), await freePort()],
    )
    for (const index of [0, 1]) await pair.restart(index)
    return pair
  }

  /** Starts one of the nodes, at the address that it always has. */
  async restart(index: number): Promise<BorealProcess> {
    const port = String(this.#ports[index])
    const args = [...this.#args, '--port', port, '--advertise', `http://127.0.0.1:${port}`]
    this.nodes[index] = await BorealProcess.node(args, { AWS_ENDPOINT_URL: this.#table.url })
    return this.nodes[index]
  }

  api(index: number): TestApi {
    return this.nodes[index]!.api
  }

  // biome-ignore lint/suspicious/noExplicitAny: figures of every kind.
  async status(index: number): Promise<any> {
    return (await this.api(index).get('/v1/status')).body
  }

  /** Waits until one of them leads and the other follows it closely. Gives the index of the leader. */
  async settled(): Promise<number> {
    let leader = -1
    const look = async () => {
      const both = await Promise.all([this.status(0), this.status(1)])
      leader = both.findIndex(({ role }) => role === 'leader')
      const standby = both[1 - leader]
      const isClose = standby?.role === 'follower' && standby.lag.entries < 100 && standby.lag.ms < 1_000
      return isClose && standby.leader?.writer === both[leader].writer
    }
    await expect.poll(look, { timeout: 60_000, interval: 50 }).toBe(true)
    return leader
  }
}
