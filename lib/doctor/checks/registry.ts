import { genesisItem } from '../../log/entry-codec.ts'
import { headKey, registryKey } from '../../log/keys.ts'
import type { Check } from '../context.ts'
import { type Finding, ok } from '../finding.ts'

const STATES = ['open', 'sealed']

/** The items beside the log: which store the name means, and the store's head. */
export const registryCheck: Check = {
  name: 'registry and head',
  async *run(context): AsyncGenerator<Finding> {
    const { log, storeId, known } = context
    const registration = await log.registration()
    if (registration !== undefined) {
      const key = registryKey(registration.name)
      const damage = (what: string): Finding => ({
        ...{ severity: 'damage', key, what },
        safe: 'The log is another item and is examined by itself, below.',
        next: 'Start no node: it would take another store, or begin a new one. Put the item right with the tools of the table.',
      })
      if (registration.storeId !== storeId) {
        yield damage(`the name means store ${registration.storeId ?? 'nothing'}, and ${storeId} was asked for`)
      }
      if (!STATES.includes(registration.state ?? '')) yield damage(`its state is ${registration.state ?? 'missing'}`)
      const genesis = await log.slot(0)
      const madeThen = genesis === undefined || genesis.item.trimmed || genesis.item.time === registration.createdMs
      if (!madeThen && genesis.item.hash === genesisItem(storeId, genesis.item.time).hash) {
        yield damage(
          `it says that the store was created at ${registration.createdMs}, the log that it was at ${genesis.item.time}`,
        )
      }
    }
    const head = await log.head()
    if (head === undefined) {
      yield {
        ...{ severity: 'damage', key: headKey(storeId), what: 'the head item is missing' },
        safe: 'Entries do not depend on it.',
        next: 'Start no node: it would write a new one and forget what was trimmed and quarantined.',
      }
    }
    for (const what of head?.strange ?? []) yield { severity: 'damage', key: headKey(storeId), what }
    yield ok(`store ${storeId}, trimmed to ${known.trimmedTo}, ${known.quarantined.length} quarantined`)
  },
}
