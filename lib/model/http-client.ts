/**
 * The HTTP client, loaded by whoever has somebody to ask: it is a third of the code that a node or a command starts with, and
 * most have no use for it. Bundled it has a default export and no other.
 */
export async function loadHttpClient(): Promise<typeof import('undici')> {
  return (await import('undici')).default
}
