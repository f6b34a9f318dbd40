import { loadBaseImage } from '../store/base-image.ts'
import type { NodeConfig } from './config.ts'
import { jobsInThreads } from './job-worker.ts'
import { BorealNode, type NodeOptions } from './node.ts'
import { type OpenedLog, openLog } from './open-log.ts'

export interface StartedNode {
  node: BorealNode
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
  const opened = await openLog(config.storage, config.name, { ...context, newStore: config.newStore })
  const node = await openNode(opened, { ...config, image, runtime, logger, onProgress })
  return {
    node,
    close: async () => {
      await node.close()
      await opened.close()
    },
  }
}

async function openNode(
  opened: OpenedLog,
  options: Omit<NodeOptions, 'log' | 'objects' | 'backups' | 'exclusive' | 'runJob'> &
    Pick<NodeConfig, 'snapshotCodec'>,
): Promise<BorealNode> {
  try {
    const { log, objects, backups, exclusive, address } = opened
    const { image: base, logger } = options
    const { snapshotCodec: codec } = options
    return await BorealNode.open({
      ...options,
      log,
      objects,
      backups,
      exclusive,
      runJob: jobsInThreads({ address, base, codec, logger }),
    })
  } catch (error) {
    await opened.close()
    throw error
  }
}
