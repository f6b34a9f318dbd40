import { randomUUID } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createDynamoClient } from '../log/dynamo-client.ts'
import { getItem, putItem, type TableContext } from '../log/dynamo-items.ts'
import { EmbeddedTable, TableInUse } from '../log/embedded-table.ts'
import type { TableTransport } from '../log/table-transport.ts'
import type { Runtime } from '../model/runtime.ts'

/** The table of a data folder, as a process has it that opened it or found it open. */
export interface FolderTable {
  endpoint: string
  /** A shorter way to it, if it is ours. */
  transport?: TableTransport
  /** Whether it is ours: then nobody else writes to the store with our name. */
  own: boolean
  /** Lets others find it, as soon as there is a table. */
  announce(context: TableContext): Promise<void>
  close(): Promise<void>
}

/** What the process that has the folder leaves in it for others. */
interface Announcement {
  endpoint: string
  /** The store that it serves, for which it believes to be alone. */
  name: string
  /** In the table, too: a port that was given to somebody else in the meantime does not have it. */
  nonce: string
}

const FILE = 'table.json'

/** Item of the table with the nonce. */
const ANNOUNCED = 'announced#'

/**
 * Opens the table of a folder. One process at a time can have it. While a node has it, other nodes on the folder may serve
 * other stores of the same table, clones for example, through that node: for as long as it runs.
 *
 * @throws TableInUse when another process has it, and does not let us, or serves the very store
 */
export async function openFolder(
  { data, sync }: { data: string; sync: boolean },
  name: string,
  { runtime, share }: { runtime: Runtime; share: boolean },
): Promise<FolderTable> {
  try {
    const table = await EmbeddedTable.open({ path: join(data, 'table'), sync })
    const file = join(data, FILE)
    return {
      endpoint: table.endpoint,
      transport: table.transport,
      own: true,
      announce: async (context) => {
        if (share) await announce(context, file, { endpoint: table.endpoint, name, nonce: randomUUID() })
      },
      close: async () => {
        if (share) await rm(file, { force: true })
        await table.close()
      },
    }
  } catch (error) {
    if (!(error instanceof TableInUse) || !share) throw error
    const there = await announced(join(data, FILE), runtime)
    if (there === undefined || there.name === name) throw error
    return { endpoint: there.endpoint, own: false, announce: async () => undefined, close: async () => undefined }
  }
}

async function announce(context: TableContext, file: string, announcement: Announcement): Promise<void> {
  await putItem(context, { pk: { S: ANNOUNCED }, sk: { N: '0' }, nonce: { S: announcement.nonce } })
  const temporary = `${file}.${announcement.nonce}`
  await writeFile(temporary, JSON.stringify(announcement))
  await rename(temporary, file)
}

/** Who has the folder, if it is still he: undefined when nobody answers there, or somebody else. */
async function announced(file: string, runtime: Runtime): Promise<Announcement | undefined> {
  try {
    const announcement: Announcement = JSON.parse(await readFile(file, 'utf8'))
    const { client, serverClock } = createDynamoClient({ endpoint: announcement.endpoint }, runtime)
    try {
      const item = await getItem({ client, table: EMBEDDED_TABLE, runtime, serverClock }, ANNOUNCED)
      return item?.nonce?.S === announcement.nonce ? announcement : undefined
    } finally {
      client.destroy()
    }
  } catch {
    return undefined
  }
}

/** Table of the embedded profile; it is the only one there. */
export const EMBEDDED_TABLE = 'boreal'
