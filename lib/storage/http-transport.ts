import type { BorealClient } from '../client/client.ts'
import type { TransactionAnswer } from '../model/transaction.ts'
import type { Consistency } from '../node/node.ts'
import { textOfPoint } from '../recovery/point.ts'
import type { StorageTransport, TransportAnswer } from './transport.ts'

/** The way to a node over HTTP. The client repeats what has no definite outcome. */
export function httpTransport(client: BorealClient): StorageTransport {
  return {
    async read({ paths, preconditions, operations, consistency }) {
      const body = {
        reads: paths.map((path) => ({ path })),
        ...(preconditions.length === 0 ? {} : { preconditions }),
        ...(operations.length === 0 ? {} : { operations }),
      }
      const query = parametersOf(consistency)
      const { body: answer } = await client.request<TransportAnswer>('POST', '/v1/reads', { query, body })
      return { ...answer, results: answer.results ?? [] }
    },
    async submit(transaction, { key, reason }) {
      const headers = { 'idempotency-key': key, ...(reason === undefined ? {} : { 'boreal-reason': reason }) }
      const request = { body: transaction, headers }
      return (await client.request<TransactionAnswer>('POST', '/v1/transactions', request)).body
    },
    close: () => client.close(),
  }
}

function parametersOf(consistency: Consistency) {
  if (consistency.level === 'minLsn') return { minLsn: consistency.lsn }
  if (consistency.level !== 'asOf') return { consistency: consistency.level }
  const { asOf } = consistency
  if ('recoveryId' in asOf) return { recovery: asOf.recoveryId }
  if ('lsn' in asOf) return { asOfLsn: textOfPoint(asOf) }
  return { asOfTime: 'time' in asOf ? asOf.time : `-${asOf.agoMs}ms` }
}
