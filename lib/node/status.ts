import type { Leadership } from '../writer/leadership.ts'
import { processMemory } from './memory-limit.ts'
import type { BorealNode } from './node.ts'
import type { NodeParts } from './open-parts.ts'

export type NodeStatus = Awaited<ReturnType<typeof nodeStatus>>

/** Figures about a node, for people and monitors. */
export async function nodeStatus(node: BorealNode, parts: NodeParts, uptimeMs: number) {
  const { follower, pool, tail, writer, leadership, watermark, housekeeper, feed, stream } = parts
  const stopped = parts.stopped()
  const quarantined = await node.log.quarantined()
  const slowest = Math.min(follower.mark.lsn, ...pool.readers.map(({ lsn }) => lsn))
  const memory = await Promise.allSettled(pool.readers.map((reader) => reader.memory()))
  return {
    storeId: node.storeId,
    role: roleOf(leadership),
    lsn: node.tailLsn,
    appliedLsn: follower.mark.lsn,
    startsAt: node.log.startsAt,
    schemaVersion: node.schemaVersion,
    format: node.format,
    writerTerm: leadership?.term ?? 0,
    ...(leadership?.leader === undefined ? {} : { leader: leadership.leader }),
    lag: { entries: node.tailLsn - slowest, ms: tail.ageMs },
    writer: node.log.writer,
    time: node.log.now(),
    clockSkewMs: node.log.clockSkewMs ?? 0,
    tailAgeMs: tail.ageMs,
    uptimeMs,
    waiting: writer.waiting,
    conflicts: writer.conflicts,
    storeBytes: watermark.bytes || (await follower.engine.memory().catch(() => 0)),
    storeLimitBytes: watermark.limitBytes,
    storeFull: watermark.full,
    process: processMemory(),
    housekeeping: housekeeper.figures,
    past: node.past.stores.figures,
    ...(quarantined.length === 0 ? {} : { quarantined }),
    ...(follower.progress === undefined ? {} : { replay: follower.progress }),
    ...(stopped === undefined ? {} : { stopped: { code: stopped.code, detail: stopped.message } }),
    followers: feed?.followers ?? 0,
    ...(stream?.figures === undefined ? {} : { follows: stream.figures }),
    readers: pool.readers.map((reader, index) => {
      const bytes = memory[index]
      return {
        appliedLsn: reader.lsn,
        load: reader.load,
        ...(bytes?.status === 'fulfilled' ? { bytes: bytes.value } : {}),
      }
    }),
  }
}

/** Without a lease everybody is a writer. */
function roleOf(leadership: Leadership | undefined): 'writer' | 'leader' | 'follower' {
  if (leadership === undefined) return 'writer'
  return leadership.leads ? 'leader' : 'follower'
}
