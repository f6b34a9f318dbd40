import { once } from 'node:events'
import { open, rm } from 'node:fs/promises'
import type { Command } from 'commander'
import { type NodeFlags, nodeConfig } from '../node/config.ts'
import { dumpObjects } from '../node/dump-objects.ts'

interface DumpFlags extends NodeFlags {
  output?: string
  store?: string
  snapshot?: string
}

export function dumpCommand(program: Command): void {
  program
    .command('dump')
    .description('write a verified snapshot as SQL, for psql -v ON_ERROR_STOP=1 -f; needs the objects, and no node')
    .option('-o, --output <file>', 'write to a new file instead of the standard output')
    .option('--snapshot <id>', 'which one; default: the newest verified one (boreal snapshot now takes one)')
    .option('--store <id>', 'which store, when the objects hold several')
    .option('--data <folder>', 'folder of an embedded node (BOREAL_DATA; default ./data)')
    .option('--table <name>', 'a node on DynamoDB: the table (BOREAL_TABLE), which is not asked')
    .option('--bucket <name>', 'with --table: S3 bucket for objects (BOREAL_BUCKET)')
    .option('--objects <folder>', 'with --table: folder for objects (BOREAL_OBJECTS)')
    .action(dump)
}

async function dump({ output, store, snapshot, ...flags }: DumpFlags): Promise<void> {
  const { storage } = nodeConfig(flags, process.env)
  const chunks = dumpObjects(storage, { storeId: store, snapshotId: snapshot }, ({ id, lsn }) =>
    process.stderr.write(`boreal: dumping snapshot ${id}, up to LSN ${lsn}\n`),
  )
  if (output === undefined) {
    for await (const chunk of chunks) if (!process.stdout.write(chunk)) await once(process.stdout, 'drain')
    return
  }
  // Opened with the first chunk: what cannot be dumped leaves no file.
  let file: Awaited<ReturnType<typeof open>> | undefined
  try {
    for await (const chunk of chunks) {
      file ??= await open(output, 'wx')
      await file.writeFile(chunk)
    }
    await file?.sync()
  } catch (error) {
    // Half a dump would load as nothing; better that nobody tries.
    if (file !== undefined) await rm(output, { force: true })
    throw error
  } finally {
    await file?.close()
  }
}
