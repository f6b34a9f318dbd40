import { readMany } from '../api/read-many.ts'
import { dataRoutes } from '../api/routes.ts'
import { repeatWhileOpen } from '../client/repeat.ts'
import { isBorealError } from '../model/errors.ts'
import type { BorealNode } from '../node/node.ts'
import type { StorageTransport } from './transport.ts'

/** A node that is not ready in this process is on its way down, and does not come back. */
function isOpen(error: unknown): boolean {
  return isBorealError(error, 'outcome_unknown', 'log_unavailable', 'overloaded', 'lsn_not_reached')
}

/** The way to a node in this process. Paths are answered by the routes' own reads, so it cannot differ from HTTP. */
export function localTransport(node: BorealNode, principal: string): StorageTransport {
  return {
    async read({ consistency, ...request }) {
      const { lsn, answers, results } = await repeatWhileOpen(
        () => readMany(node, dataRoutes, request, consistency),
        isOpen,
      )
      return { lsn, answers: answers.map(({ status, body }) => ({ status, body: JSON.parse(body) })), results }
    },
    submit: (transaction, { key, reason }) =>
      repeatWhileOpen(() => node.submit(transaction, { principal, key, reason }), isOpen),
    close: async () => undefined,
  }
}
