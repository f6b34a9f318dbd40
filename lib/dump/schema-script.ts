import type { Catalog, CatalogTable } from './catalog.ts'

/**
 * Statements that make the schema where there is none: tables with what makes their keys, views, and what user SQL may
 * read, where there is a role for it.
 */
export function schemaStatements({ tables, views }: Catalog): string[] {
  return [
    'create schema boreal',
    ...tables.map(createTable),
    ...views.map(({ name, sql }) => `create view ${name} as\n${sql.trimEnd().replace(/;$/, '')}`),
    grants([...tables, ...views].filter(({ readable }) => readable).map(({ name }) => name)),
  ]
}

/** Statements for when the data is there: what is faster to make, or to check, at once. */
export function indexStatements({ tables }: Catalog): string[] {
  const foreignKeys = tables.flatMap(({ name: table, constraints }) =>
    constraints
      .filter(({ kind }) => kind === 'f')
      .map(({ name, sql }) => `alter table ${table} add constraint ${name} ${sql}`),
  )
  return [...tables.flatMap(({ indexes }) => indexes), ...foreignKeys]
}

function createTable({ name, columns, constraints, options }: CatalogTable): string {
  const lines = [
    ...columns.map(
      (column) =>
        `  ${column.name} ${column.type}${column.default === null ? '' : ` default ${column.default}`}` +
        (column.notNull ? ' not null' : ''),
    ),
    ...constraints.filter(({ kind }) => kind !== 'f').map((each) => `  constraint ${each.name} ${each.sql}`),
  ]
  return `create table ${name} (\n${lines.join(',\n')}\n)${options === null ? '' : ` with (${options.join(', ')})`}`
}

function grants(names: string[]): string {
  return `do $$ begin
  if exists (select from pg_catalog.pg_roles where rolname = 'boreal_reader') then
    grant usage on schema public, boreal to boreal_reader;
    grant select on ${names.join(', ')} to boreal_reader;
  end if;
end $$`
}
