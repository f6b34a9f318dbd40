import { BorealError } from '../model/errors.ts'
import type { Runner } from './procedure.ts'
import { jsonOf } from './result-set.ts'
import { statement } from './statement.ts'

/** Every reference between tables; each is one column to one column. */
const REFERENCES = statement(`
  select json_agg(json_build_object('name', c.conname, 'child', c.conrelid::regclass::text, 'column', a.attname,
                    'parent', c.confrelid::regclass::text, 'key', k.attname) order by c.conname)
  from pg_constraint c
    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    join pg_attribute k on k.attrelid = c.confrelid and k.attnum = c.confkey[1]
  where c.contype = 'f'`)

interface Reference {
  name: string
  child: string
  column: string
  parent: string
  key: string
}

/**
 * Checks that every row has what it refers to, table by table, after rows were written without being checked one by one.
 *
 * @throws BorealError `constraint_violation`
 */
export async function checkReferences(store: Runner): Promise<void> {
  const [found] = await store.run([REFERENCES])
  const references = jsonOf<Reference[]>(found)!
  const missing = await store.run(references.map((reference) => statement(missingSql(reference))))
  for (const [index, { name, child, column, parent }] of references.entries()) {
    const value = jsonOf<string>(missing[index])
    if (value === undefined) continue
    throw new BorealError(
      'constraint_violation',
      `rows of "${child}" refer by ${column} to ${JSON.stringify(value)}, which "${parent}" has not (${name})`,
    )
  }
}

/**
 * The first value that is missing. Many rows refer to one, and every column that refers has an index: from one value to the
 * next through the index costs what there are values, and grouping the rows what there are rows.
 */
function missingSql({ child, column, parent, key }: Reference): string {
  return `with recursive found(wanted) as (
            select min(${column}) from ${child}
            union all
            select (select min(${column}) from ${child} where ${column} > found.wanted) from found where found.wanted is not null)
          select to_json(min(wanted)) from found
          where wanted is not null and not exists (select from ${parent} p where p.${key} = wanted)`
}
