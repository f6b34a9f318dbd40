import { createDynamoClient } from '../../lib/log/dynamo-client.ts'
import { DynamoLog } from '../../lib/log/dynamo-log.ts'
import { Log } from '../../lib/log/log.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import type { AppendInput, AppendOutput } from './stopped-process-contract.ts'

/** A process that appends one entry and writes how that ended. */
async function main(): Promise<void> {
  const { endpoint, table, storeId, requestMs } = JSON.parse(process.argv[2]!) as AppendInput
  const { client, serverClock } = createDynamoClient({ endpoint, limits: { requestMs } }, systemRuntime)
  const events = new DynamoLog(client, { table, storeId, serverClock })
  const noBodies = { put: async () => undefined, get: async () => new Uint8Array() }
  const log = new Log(events, { storeId, bodies: noBodies, runtime: systemRuntime, logger: silentLogger })
  const genesis = await log.genesis()
  const transaction = { id: 'from the child', actor: 'ann', events: [], results: [] }
  const encoded = log.encode(genesis, log.nextTime(genesis), [transaction])
  const { kind } = await (await log.append(encoded)).settled
  const output: AppendOutput = { kind, attempt: encoded.item.attempt }
  process.stdout.write(JSON.stringify(output))
  log.close()
}

void main()
