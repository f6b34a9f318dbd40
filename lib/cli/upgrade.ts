import type { Command } from 'commander'
import { type ConnectionFlags, connect, withConnection } from './connection.ts'
import { printFields, printJson } from './output.ts'

interface UpgradeStatus {
  format: number
  newestFormat: number
  finalized: boolean
  waiting: string[]
}

export function upgradeCommand(program: Command): void {
  const upgrade = program.command('upgrade').description('from one release to the next')

  withConnection(upgrade.command('status').description('whether the store was finalized to the format of the build'))
    .option('--json', 'answer as JSON')
    .action(status)

  withConnection(
    upgrade
      .command('finalize')
      .description('allow what only this build and later ones can read; no node can be rolled back any more'),
  )
    .option('--dry-run', 'only say what would be allowed')
    .option('--yes', 'do it')
    .option('--json', 'answer as JSON')
    .action(finalize)
}

async function status(flags: ConnectionFlags & { json?: boolean }): Promise<void> {
  const client = connect(flags)
  const found = await client.get<UpgradeStatus>('/v1/upgrade')
  await client.close()
  if (flags.json) printJson(found)
  else printFields({ ...found, waiting: found.waiting.join(', ') })
}

async function finalize(flags: ConnectionFlags & { dryRun?: boolean; yes?: boolean; json?: boolean }): Promise<void> {
  const client = connect(flags)
  const { body } = await client.request<UpgradeStatus & { changed: boolean }>('POST', '/v1/upgrade/finalize', {
    body: { dryRun: flags.dryRun === true, confirm: flags.yes === true },
  })
  await client.close()
  if (flags.json) return printJson(body)
  process.stdout.write(`${sentence(body)}\n`)
}

function sentence({ format, newestFormat, finalized, waiting, changed }: UpgradeStatus & { changed: boolean }): string {
  if (changed) return `finalized to format ${format}`
  if (finalized) return `nothing to do: the store has format ${format}, which is all that this build knows`
  return `would finalize from format ${format} to ${newestFormat}, which allows: ${waiting.join(', ')}`
}
