import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DIGEST_SQL, rowCountsStatement } from '../../lib/store/digest.ts'
import { dumpOf, fill, heldBy, replayed } from '../support/dumps.ts'
import { memoryNode } from '../support/memory-node.ts'
import { NativePostgres, nativePostgres } from '../support/native-postgres.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** psql loads a dump into PostgreSQL itself. Skipped where there is none; `.ci/install-servers` says how to bring it. */

test.skipIf(nativePostgres() === undefined)(
  'psql loads it, with the role of readers and without, and rows and digest are the same',
  { timeout: 120_000 },
  async () => {
    const { node } = await memoryNode()
    await fill(node)
    const store = await replayed(node)
    const held = await heldBy(store.engine)
    const file = join(await temporaryFolder(), 'dump.sql')
    await writeFile(file, await dumpOf(store.engine))
    await store.engine.kill()

    const server = await NativePostgres.start()
    const load = async (database: string) => {
      await server.psql('postgres', '-c', `create database ${database}`)
      await server.psql(database, '-f', file)
      expect(await server.psql(database, '-c', DIGEST_SQL)).toBe(held.digest)
      expect(JSON.parse(await server.psql(database, '-c', rowCountsStatement.sql))).toEqual(held.rows)
      expect(await server.psql(database, '-c', 'select lsn from boreal.applied')).toBe(String(held.lsn))
    }
    await load('without')
    await server.psql('postgres', '-c', 'create role boreal_reader login')
    await load('beside')
    const asReader = (sql: string) => server.psql('beside', '-c', 'set role boreal_reader', '-c', sql)
    expect(Number(await asReader('select count(*) from role_summary'))).toBeGreaterThan(0)
    await expect(asReader('delete from task')).rejects.toThrow('permission denied')

    // All or nothing: where something of it is already, nothing changes.
    await expect(server.psql('beside', '-f', file)).rejects.toThrow('already exists')
    expect(await server.psql('beside', '-c', DIGEST_SQL)).toBe(held.digest)
  },
)
