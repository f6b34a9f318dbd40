import type { Command } from 'commander'
import { type ConnectionFlags, connect, withConnection } from './connection.ts'
import { printFields, printJson } from './output.ts'

export function statusCommand(program: Command): void {
  withConnection(program.command('status').description('where the node stands'))
    .option('--digest', 'compute the digest of the state, too (reads every row)')
    .option('--json', 'answer as JSON')
    .action(async (flags: ConnectionFlags & { digest?: boolean; json?: boolean }) => {
      const client = connect(flags)
      const status = await client.get<Record<string, unknown>>('/v1/status', {
        digest: flags.digest ? 'true' : undefined,
      })
      await client.close()
      if (flags.json) printJson(status)
      else printFields(status)
    })
}
