import { setTimeout as delay } from 'node:timers/promises'
import { ArchivedLog } from '../../lib/archive/archived-log.ts'
import { createDynamoClient } from '../../lib/log/dynamo-client.ts'
import { DynamoLog } from '../../lib/log/dynamo-log.ts'
import { Log } from '../../lib/log/log.ts'
import { isBorealError } from '../../lib/model/errors.ts'
import { silentLogger as logger } from '../../lib/model/logger.ts'
import { systemRuntime as runtime } from '../../lib/model/runtime.ts'
import { transactionRequest } from '../../lib/model/transaction.ts'
import { BorealNode } from '../../lib/node/node.ts'
import { DirectoryObjects } from '../../lib/objects/directory-objects.ts'
import { loadBaseImage } from '../../lib/store/base-image.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'

export interface PausedInput {
  endpoint: string
  storeId: string
  objects: string
  staleAfterMs: number
  operation: object
}

export interface PausedOutput {
  lsn: number
  /** What it was told before, when it asked again with the same key. */
  codes: string[]
  readAt: number
  digest: string
}

/** A process with a node that writes one transaction, until it is known to be committed, and reads behind it. */
async function main(): Promise<void> {
  const { endpoint, storeId, objects: folder, staleAfterMs, operation } = JSON.parse(process.argv[2]!) as PausedInput
  const { client, serverClock } = createDynamoClient({ endpoint }, runtime)
  const objects = new DirectoryObjects(folder)
  const events = new DynamoLog(client, { table: 'boreal', storeId, serverClock })
  const archive = new ArchivedLog({ objects, storeId, logger })
  const log = new Log(events, { storeId, bodies: objects, runtime, logger, archive, staleAfterMs })
  const boot = PgliteEngine.bootImage
  // It polls nothing by itself: what it knows when it thaws is what it knew before.
  const pollMs = 3_600_000
  const node = await BorealNode.open({
    image: await loadBaseImage(),
    log,
    logger,
    runtime,
    objects,
    readers: 0,
    boot,
    pollMs,
  })
  const request = transactionRequest.parse({ operations: [operation] })
  const codes: string[] = []
  for (;;) {
    try {
      const { lsn } = await node.submit(request, { principal: 'paused', key: 'of the paused writer' })
      const { lsn: readAt, digest } = await node.digest()
      const output: PausedOutput = { lsn, codes, readAt, digest }
      process.stdout.write(JSON.stringify(output), () => process.exit(0))
      return
    } catch (error) {
      if (!isBorealError(error)) throw error
      codes.push(error.code)
      await delay(50)
    }
  }
}

void main()
