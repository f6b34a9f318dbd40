import { uuidv7 } from 'uuidv7'
import { isBorealError } from '../model/errors.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Leadership } from '../node/node.ts'
import { FORWARDED, type Forwarder } from './forward.ts'
import type { ApiEvent, ApiResult } from './handler.ts'
import type { Route } from './route.ts'

interface Context {
  event: ApiEvent
  leadership: Leadership
  forwarder: Forwarder
  runtime: Runtime
}

/**
 * Does what has to be done by the node that leads: here, or by passing the request on, once. Who leads may change at any
 * moment; what this node has refused for that reason was not done, and goes to the other one.
 */
export async function atLeader(
  which: NonNullable<Route['atLeader']>,
  here: () => Promise<ApiResult>,
  context: Context,
): Promise<ApiResult> {
  const { event, leadership } = context
  const isForwarded = event.headers[FORWARDED] !== undefined
  if (which === 'whenNotFound') {
    return here().catch((error: unknown) => {
      const isElsewhere = isBorealError(error, 'not_found') && leadership.other !== undefined && !isForwarded
      if (!isElsewhere) throw error
      return passOn(here, context)
    })
  }
  // Also when another node leads and has passed it on: then it is refused here with `not_leader`.
  if (leadership.leads || isForwarded) {
    return here().catch((error: unknown) => {
      if (isForwarded || !isBorealError(error, 'not_leader')) throw error
      return passOn(here, context)
    })
  }
  return passOn(here, context)
}

async function passOn(
  here: () => Promise<ApiResult>,
  { event, leadership, forwarder, runtime }: Context,
): Promise<ApiResult> {
  // It may have to be sent twice. The node that leads remembers the key, and so does whoever leads after it.
  if (event.httpMethod === 'POST') event.headers['idempotency-key'] ??= uuidv7()
  for (;;) {
    const answer = await forwarder.forward(event, { leadership, runtime })
    if (answer !== undefined) return answer
    try {
      return await here()
    } catch (error) {
      // This node has led for a moment.
      if (!isBorealError(error, 'not_leader')) throw error
    }
  }
}
