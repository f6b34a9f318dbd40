import { loadBaseImage } from '../store/base-image.ts'
import type { NodeConfig } from './config.ts'
import { BorealNode, type NodeOptions } from './node.ts'
import { type OpenedLog, openLog } from './open-log.ts'
import { takeSnapshotInThread } from './snapshot-worker.ts'

export interface StartedNode {
  node: BorealNode
  /** Whether another process has the data folder, and this one works through it. */
  guest: boolean
  close(): Promise<void>
}

/** Opens log and objects as configured and starts a node on them. */
export async function startNode(
  config: NodeConfig,
  context: Pick<NodeOptions, 'runtime' | 'logger' | 'onProgress'> & { onBuildImage?: () => void },
): Promise<StartedNode> {
  const { runtime, logger, onProgress } = context
  // First the image: building one blocks this thread for seconds, and requests to the log would time out meanwhile.
  const image = await loadBaseImage(context.onBuildImage === undefined ? {} : { onBuild: context.onBuildImage })
  const opened = await openLog(config.storage, config.name, { ...context, newStore: config.newStore, share: true })
  const node = await openNode(opened, { ...config, image, runtime, logger, onProgress })
  return {
    node,
    guest: config.storage.kind === 'embedded' && !opened.exclusive,
    close: async () => {
      await node.close()
      await opened.close()
    },
  }
}

async function openNode(
  opened: OpenedLog,
  options: Omit<NodeOptions, 'log' | 'objects' | 'stores' | 'exclusive' | 'takeSnapshot'> &
    Pick<NodeConfig, 'snapshotCodec'>,
): Promise<BorealNode> {
  try {
    const { log, objects, stores, exclusive, address } = opened
    const { image: base, logger } = options
    const { snapshotCodec: codec } = options
    return await BorealNode.open({
      ...options,
      log,
      objects,
      stores,
      exclusive,
      takeSnapshot: ({ signal, ...take }) => takeSnapshotInThread({ address, base, codec, logger, signal }, take),
    })
  } catch (error) {
    await opened.close()
    throw error
  }
}
