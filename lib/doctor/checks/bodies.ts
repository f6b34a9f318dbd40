import { decodeTime } from 'ulid'
import type { Check, DoctorContext } from '../context.ts'
import { type Finding, ok } from '../finding.ts'

const DAY_MS = 24 * 60 * 60 * 1_000
const AT_ONCE = 16
const NAME = /^(\d{16})-([0-9A-HJKMNP-TV-Z]{26})(?:\/\d{6})?$/

/** Bodies beside the log that no entry names. Those that entries name are examined with them. */
export const bodiesCheck: Check = {
  name: 'bodies',
  applies: ({ objects }) => objects !== undefined,
  async *run(context): AsyncGenerator<Finding> {
    const { storeId, progress } = context
    const prefix = `${storeId}/bodies/`
    let [bodies, orphans, bytes] = [0, 0, 0]
    progress.begin('bodies', 0)
    for await (const page of pages(context, prefix)) {
      for (let start = 0; start < page.length; start += AT_ONCE) {
        const group = page.slice(start, start + AT_ONCE)
        const named = await Promise.all(group.map(({ key }) => isNeeded(context, key.slice(prefix.length), key)))
        bodies += group.length
        for (const [index, { key, size }] of group.entries()) {
          if (named[index] === true) continue
          orphans++
          bytes += size
          if (orphans <= 3) yield orphan(key, named[index] as string)
        }
        progress.advance(group.length)
      }
    }
    progress.end()
    if (orphans > 3) {
      const mb = (bytes / 1024 / 1024).toFixed(1)
      yield {
        severity: 'warning',
        what: `${orphans} bodies belong to no entry, ${mb} MB in all`,
        safe: 'They cost space, nothing else.',
      }
    }
    yield ok(`${bodies} beside the log`)
  },
}

function orphan(key: string, why: string): Finding {
  return {
    ...{ severity: 'warning', key, what: `no entry names this body: ${why}` },
    safe: 'It costs space, nothing else: an append that lost its slot, or was never sent.',
  }
}

async function* pages({ objects }: DoctorContext, prefix: string): AsyncGenerator<{ key: string; size: number }[]> {
  for (let after: string | undefined; ; ) {
    const page = await objects!.list(prefix, after === undefined ? {} : { after })
    yield page.objects
    if (page.next === undefined) return
    after = page.next
  }
}

/** True, or why it is not. What is younger than a day may be of an append that is still on its way. */
async function isNeeded(context: DoctorContext, name: string, key: string): Promise<true | string> {
  const [, lsn, attempt] = NAME.exec(name) ?? []
  if (lsn === undefined || attempt === undefined) return 'its name is not one that we give'
  if (context.runtime.now() - decodeTime(attempt) < DAY_MS) return true
  const found = await context.log.slot(Number(lsn))
  if (found === undefined)
    return Number(lsn) <= context.known.trimmedTo ? 'its entry was trimmed' : `slot ${Number(lsn)} is empty`
  const { trimmed, bodyKey } = found.item
  // A body, or a frame of it.
  const isOfEntry = trimmed !== undefined || key === bodyKey || key.startsWith(`${bodyKey}/`)
  return isOfEntry ? true : `slot ${Number(lsn)} has another entry`
}
