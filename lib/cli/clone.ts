import type { Command } from 'commander'
import { BorealError } from '../model/errors.ts'
import { type ConnectionFlags, connect, withConnection } from './connection.ts'
import { outcomeOf } from './operation.ts'
import { printJson, printTable } from './output.ts'

interface StoreSummary {
  name: string
  storeId: string
  state: 'making' | 'open' | 'sealed'
  createdAt: number
  origin?: { kind: string; storeId: string; lsn: number }
  ended?: { because: string; at: number }
}

export function cloneCommand(program: Command): void {
  const clone = program.command('clone').description('stores that go on from a place of this one, on their own')

  withConnection(clone.command('create').description('make a clone of the store, under a name of its own'))
    .argument('<name>')
    .option(
      '--at <place>',
      'the last entry that it is to have, by LSN or time (2026-01-31T12:00:00Z); default: the newest',
    )
    .option('--json', 'answer as JSON')
    .action(create)

  withConnection(clone.command('list').description('the clones in the table'))
    .option('--json', 'answer as JSON')
    .action((flags: ListFlags) => list('/v1/clones', flags))

  withConnection(clone.command('delete').description('delete a clone; its parent and clones of it stay'))
    .argument('<name>')
    .option('--dry-run', 'say what would be deleted')
    .option('--yes', 'do it')
    .option('--json', 'answer as JSON')
    .action(remove)
}

export function storeCommand(program: Command): void {
  const store = program.command('store').description('the stores of the table')
  withConnection(store.command('list').description('every store: what names mean, and what is left of ended ones'))
    .option('--json', 'answer as JSON')
    .action((flags: ListFlags) => list('/v1/stores', flags))
}

type ListFlags = ConnectionFlags & { json?: boolean }

async function create(name: string, flags: ConnectionFlags & { at?: string; json?: boolean }): Promise<void> {
  const client = connect(flags)
  const at = flags.at === undefined ? {} : { at: /^\d+$/.test(flags.at) ? Number(flags.at) : flags.at }
  const { body } = await client.request<StoreSummary>('POST', '/v1/clones', {
    body: { name, ...at },
  })
  const made = await outcomeOf(client, body)
  await client.close()
  if (flags.json) return printJson(made)
  process.stdout.write(
    `made clone ${made.name}: store ${made.storeId}, up to LSN ${made.origin!.lsn} of ${made.origin!.storeId}\n` +
      `serve it: boreal start --name ${made.name} --port 7071, with the same --data or --table as its parent\n`,
  )
}

async function list(path: string, flags: ListFlags): Promise<void> {
  const client = connect(flags)
  const { items } = await client.get<{ items: StoreSummary[] }>(path)
  await client.close()
  if (flags.json) return printJson(items)
  const rows = items.map(({ name, storeId, state, createdAt, origin, ended }) => [
    name,
    storeId,
    ended === undefined ? state : `${state}: ${ended.because} ${new Date(ended.at).toISOString()}`,
    new Date(createdAt).toISOString(),
    origin === undefined ? '' : `${origin.kind} of ${origin.storeId} at LSN ${origin.lsn}`,
  ])
  printTable(['NAME', 'STORE', 'STATE', 'CREATED', 'FROM'], rows)
}

interface Deleted {
  name: string
  storeId: string
  lsn?: number
}

async function remove(
  name: string,
  flags: ConnectionFlags & { dryRun?: boolean; yes?: boolean; json?: boolean },
): Promise<void> {
  const client = connect(flags)
  const path = `/v1/clones/${encodeURIComponent(name)}`
  const doIt = flags.yes && !flags.dryRun
  const { body } = await client.request<Deleted>('DELETE', path, {
    query: doIt ? { confirm: 'true' } : { dryRun: 'true' },
  })
  await client.close()
  if (flags.json) printJson(body)
  else if (doIt) {
    process.stdout.write(
      `deleted clone ${name} (store ${body.storeId}, up to LSN ${body.lsn}); its objects go in an hour\n`,
    )
  } else process.stdout.write(`would delete clone ${name} (store ${body.storeId}) and all that was written to it\n`)
  if (!flags.yes && !flags.dryRun) {
    throw new BorealError('confirmation_required', 'nothing was done; repeat it with --yes')
  }
}
