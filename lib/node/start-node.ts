import { type BaseImage, isBaseImageBuilt, loadBaseImage } from '../store/base-image.ts'
import { quietly } from '../store/store.ts'
import type { NodeConfig } from './config.ts'
import { jobsInThreads } from './job-worker.ts'
import { BorealNode, type NodeOptions } from './node.ts'
import { leaseAt, type OpenedLog, openLog, trimmableLogAt } from './open-log.ts'

export interface StartedNode {
  node: BorealNode
  /** Whether another process has the data folder, and this one works through it. */
  guest: boolean
  close(): Promise<void>
}

/** Opens log and objects as configured and starts a node on them. */
export async function startNode(
  config: NodeConfig,
  context: Pick<NodeOptions, 'runtime' | 'logger' | 'onProgress' | 'follow'> & { onBuildImage?: () => void },
): Promise<StartedNode> {
  const { runtime, logger, onProgress, follow } = context
  const image = quietly(loadBaseImage(context.onBuildImage === undefined ? {} : { onBuild: context.onBuildImage }))
  // Beside the log, unless it has to be built: that blocks this thread for seconds, and requests would time out meanwhile.
  if (!(await isBaseImageBuilt())) await image
  const opened = await openLog(config.storage, config.name, { ...context, newStore: config.newStore, share: true })
  const { writers, endpoint } = config
  const leases = writers === 'leased' ? leaseAt(opened.address, runtime) : undefined
  const lease = leases === undefined ? undefined : { leases, endpoint: endpoint! }
  const node = await openNode(opened, { ...config, image, runtime, logger, onProgress, lease, follow })
  return {
    node,
    guest: config.storage.kind === 'embedded' && !opened.exclusive,
    close: async () => {
      await node.close()
      leases?.close()
      await opened.close()
    },
  }
}

async function openNode(
  opened: OpenedLog,
  options: Omit<
    NodeOptions,
    'log' | 'objects' | 'backups' | 'stores' | 'exclusive' | 'runJob' | 'trimmable' | 'image'
  > &
    Pick<NodeConfig, 'snapshotCodec'> & { image: Promise<BaseImage> },
): Promise<BorealNode> {
  try {
    const { log, objects, backups, stores, exclusive, address } = opened
    const { logger, snapshotCodec: codec } = options
    const base = await options.image
    return await BorealNode.open({
      ...options,
      image: base,
      log,
      objects,
      backups,
      stores,
      exclusive,
      runJob: jobsInThreads({ address, base, codec, logger }),
      trimmable: () => trimmableLogAt(address, options.runtime),
    })
  } catch (error) {
    await opened.close()
    throw error
  }
}
