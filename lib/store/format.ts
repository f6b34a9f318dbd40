import { FIRST_FORMAT } from '../model/format.ts'
import type { Engine } from './engine.ts'
import { jsonOf } from './result-set.ts'
import { type Statement, statement } from './statement.ts'

/** Schemas before 3 have no place for it: their stores are of the first format. */
const HAS_FORMAT = statement(`select to_json(to_regclass('boreal.format') is not null)`)

const FORMAT = statement('select to_json(format) from boreal.format')

/** The format that a store was finalized to. */
export async function readFormat(engine: Pick<Engine, 'run'>): Promise<number> {
  const [exists] = await engine.run([HAS_FORMAT])
  if (!jsonOf<boolean>(exists)) return FIRST_FORMAT
  const [format] = await engine.run([FORMAT])
  return jsonOf<number>(format) ?? FIRST_FORMAT
}

/** Writes the format of the store. One row, in the schema of what belongs to the log and not to its data. */
export function writeFormat({ format, version }: { format: number; version: number }): Statement {
  return statement(
    `insert into boreal.format (one, format, version) values ('', $1, $2)
     on conflict (one) do update set format = excluded.format, version = excluded.version`,
    format,
    version,
  )
}
