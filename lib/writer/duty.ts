import { BorealError } from '../model/errors.ts'

/** Whether a node is to write. Without leases every node always is. */
export interface Duty {
  /** New transactions are taken in. */
  accepts(): boolean
  /** What was taken in is carried out. */
  appends(): boolean
  /** An append of ours lost its slot to an entry of this writer. */
  lostTo(writer: string): void
}

export const ALWAYS: Duty = { accepts: () => true, appends: () => true, lostTo: () => undefined }

/** Nothing was done, and it is somebody else's turn. */
export function notLeader(): BorealError {
  return new BorealError(
    'not_leader',
    'this node does not hold the writer lease, and nothing was done; GET /v1/status tells who does. Over HTTP requests ' +
      'are forwarded; send it again',
    { retryAfter: 1 },
  )
}
