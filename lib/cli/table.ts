import type { Command } from 'commander'
import { EmbeddedTable } from '../log/embedded-table.ts'
import { DEFAULT_DATA, numberOf } from '../node/config.ts'

export function tableCommand(program: Command): void {
  program
    .command('table')
    .description('serve the embedded table alone, for several nodes on one machine (it speaks DynamoDB)')
    .option('--port <port>', 'port to listen on', '8000')
    .option('--data <folder>', 'folder of the table (BOREAL_DATA; default ./data)')
    .option('--no-sync', 'do not wait for the disk')
    .action(async (flags: { port: string; data?: string; sync: boolean }) => {
      const table = await EmbeddedTable.open({
        path: `${flags.data ?? process.env.BOREAL_DATA ?? DEFAULT_DATA}/table`,
        port: numberOf('port', flags.port, 0, 65_535),
        sync: flags.sync,
      })
      process.stdout.write(
        `boreal: table at ${table.endpoint}; run nodes on it with ` +
          `AWS_ENDPOINT_URL=${table.endpoint} BOREAL_TOKEN=... boreal start --table boreal --create-table --objects DIR\n`,
      )
      await new Promise((resolve) => {
        process.once('SIGTERM', resolve)
        process.once('SIGINT', resolve)
      })
      await table.close()
    })
}
