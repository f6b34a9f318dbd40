import { BorealClient, type ClientOptions } from '../client/client.ts'
import { type Logger, silentLogger } from '../model/logger.ts'
import { systemRuntime } from '../model/runtime.ts'
import { type NodeFlags, nodeConfig } from '../node/config.ts'
import { BorealNode } from '../node/node.ts'
import { startNode } from '../node/start-node.ts'
import type { StoreSettings } from '../node/store-settings.ts'
import { httpTransport } from './http-transport.ts'
import { localTransport } from './local-transport.ts'
import { createStorage, type Storage, type StorageOptions } from './storage.ts'

/**
 * A store in this process: embedded in a folder (`data`), or on a DynamoDB `table` with a `bucket` or a folder of
 * `objects`. The settings are those of `boreal start`.
 */
export interface StorageConfig extends Omit<NodeFlags, 'readers' | 'storeMb' | 'settings'> {
  /** Reader threads; each holds a copy of the store. Default 1. */
  readers?: number
  /** Memory of the store before additions are refused, MB. */
  storeMb?: number
  /** Limits and history, e.g. `{ maxTasksPerJob: 4_000, taskHistoryHours: 48 }`. */
  settings?: Partial<StoreSettings>
  /** Default: silent. */
  logger?: Logger
}

/** Who the log says has written, for what is written in process. */
const PRINCIPAL = 'library'

/**
 * Opens a store in this process, or one on a node that runs already and stays the caller's to close.
 *
 * @example
 * const storage = await openStorage({ data: './data' })
 * await storage.write((stores) => stores.quotas.save('www', quota))
 */
export async function openStorage(from: StorageConfig | BorealNode = {}, options?: StorageOptions): Promise<Storage> {
  if (from instanceof BorealNode) return createStorage(localTransport(from, PRINCIPAL), options)
  const { logger = silentLogger, readers, storeMb, settings = {}, ...flags } = from
  const text = (value: number | undefined) => (value === undefined ? undefined : String(value))
  // The environment is the program's, not ours: only what it passes counts.
  const texts = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, text(value)]))
  const config = nodeConfig({ ...flags, readers: text(readers), storeMb: text(storeMb), settings: texts }, {})
  const started = await startNode(config, { runtime: systemRuntime, logger })
  return createStorage({ ...localTransport(started.node, PRINCIPAL), close: started.close }, options)
}

export type ConnectOptions = Omit<ClientOptions, 'url'> & StorageOptions

/** The same over HTTP. Nothing is sent before the first closure. */
export function connect(url: string, { runtime, attempts, ...client }: ConnectOptions = {}): Storage {
  const options = { ...(runtime && { runtime }), ...(attempts !== undefined && { attempts }) }
  return createStorage(httpTransport(new BorealClient({ url, ...client })), options)
}
