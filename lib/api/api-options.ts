import type { Logger } from '../model/logger.ts'
import type { BorealNode } from '../node/node.ts'
import type { Token } from './tokens.ts'

/** What the API needs to be served. */
export interface ApiOptions {
  /** The node, which may still be on its way up. */
  node(): Promise<BorealNode> | BorealNode
  tokens: readonly Token[]
  logger: Logger
}
