import * as z from 'zod'

/** What ECS tells a container about itself; of its networks there is one, with one address. */
const metadata = z.object({ Networks: z.array(z.object({ IPv4Addresses: z.array(z.string()).min(1) })).min(1) })

/**
 * The URL at which other containers reach this one: `BOREAL_ENDPOINT`, or the address that ECS has given it. Undefined where
 * neither is known.
 */
export async function ownEndpoint(env: Record<string, string | undefined>, port: number): Promise<string | undefined> {
  const { BOREAL_ENDPOINT, ECS_CONTAINER_METADATA_URI_V4 } = env
  if (BOREAL_ENDPOINT !== undefined || ECS_CONTAINER_METADATA_URI_V4 === undefined) return BOREAL_ENDPOINT
  const answer = await fetch(ECS_CONTAINER_METADATA_URI_V4, { signal: AbortSignal.timeout(5_000) })
  const { Networks } = metadata.parse(await answer.json())
  return `http://${Networks[0]!.IPv4Addresses[0]}:${port}`
}
