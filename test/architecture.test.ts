import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Who may import from whom, below `lib/`. Arrows point one way: a folder knows those listed and no others. */
const MAY_IMPORT: Record<string, string[]> = {
  model: [],
  log: ['model'],
  objects: ['model'],
  client: ['model'],
  store: ['model', 'log'],
  replica: ['model', 'log', 'store'],
  writer: ['model', 'log', 'store', 'replica'],
  dump: ['model', 'store'],
  migrate: ['model', 'store'],
  snapshot: ['model', 'log', 'objects', 'store', 'replica', 'migrate'],
  archive: ['model', 'log', 'objects', 'snapshot'],
  backup: ['model', 'log', 'objects', 'store', 'replica', 'dump', 'migrate', 'snapshot'],
  difference: ['model', 'log', 'objects', 'store', 'writer'],
  recovery: ['model', 'log', 'objects', 'store', 'replica', 'writer', 'snapshot'],
  clone: ['model', 'log', 'objects', 'store', 'replica', 'snapshot', 'backup'],
  node: [
    ...['model', 'log', 'objects', 'store', 'replica', 'writer', 'dump', 'migrate', 'snapshot', 'archive', 'backup'],
    ...['recovery', 'difference', 'clone'],
  ],
  doctor: ['model', 'log', 'objects', 'store', 'replica', 'migrate', 'snapshot', 'archive', 'node'],
  api: ['model', 'log', 'store', 'migrate', 'snapshot', 'archive', 'backup', 'recovery', 'difference', 'node'],
  storage: ['model', 'client', 'recovery', 'node', 'api'],
  cli: ['model', 'log', 'client', 'recovery', 'node', 'api', 'doctor'],
}

/** Packages that only some files may see. */
const ONLY_IN: Record<string, RegExp> = {
  '@aws-sdk/client-dynamodb': /^lib\/log\/dynamo-[\w-]+\.ts$/,
  '@aws-sdk/client-s3': /^lib\/objects\/s3-objects\.ts$/,
  '@aws-sdk/client-secrets-manager': /^functions\/secret-tokens\.ts$/,
  '@electric-sql/pglite': /^lib\/store\//,
  kysely: /^lib\/store\//,
  '@middy/': /^(lib\/api|functions)\//,
  '@aws-lambda-powertools/': /^functions\//,
  commander: /^lib\/cli\//,
  dynalite: /^lib\/log\/table-thread\.ts$/,
}

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && !file.endsWith('.d.ts'))
    .map((file) => join(folder, file))
}

const files = [...filesBelow('lib', '.ts'), ...filesBelow('functions', '.ts')]

function importsOf(file: string): string[] {
  const source = readFileSync(join(ROOT, file), 'utf8')
  return [...source.matchAll(/^(?:import|export)\b[^'"]*?from\s+'([^']+)'|^import '([^']+)'/gms)].map(
    (m) => m[1] ?? m[2]!,
  )
}

/** Folder below `lib/` that a file is in. */
function folderOf(file: string): string | undefined {
  return /^lib\/([^/]+)\//.exec(file)?.[1]
}

test('imports point one way', () => {
  const wrong: string[] = []
  for (const file of files) {
    const folder = folderOf(file)
    if (folder === undefined) continue
    expect(MAY_IMPORT, `lib/${folder} needs a place in the order`).toHaveProperty(folder)
    for (const specifier of importsOf(file).filter((each) => each.startsWith('.'))) {
      const target = folderOf(relative(ROOT, resolve(ROOT, dirname(file), specifier)))
      if (target === undefined || target === folder || MAY_IMPORT[folder]!.includes(target)) continue
      wrong.push(`${file} imports ${specifier}`)
    }
  }
  expect(wrong).toEqual([])
})

test('only the adapters see what they adapt', () => {
  const wrong = files.flatMap((file) =>
    importsOf(file).flatMap((specifier) =>
      Object.entries(ONLY_IN)
        .filter(([name, place]) => specifier.startsWith(name) && !place.test(file))
        .map(() => `${file} imports ${specifier}`),
    ),
  )
  expect(wrong).toEqual([])
})

/** What lies between the bytes of an entry and the rows that it gives. */
const DETERMINISTIC = [
  /^lib\/log\/entry-codec\.ts$/,
  /^lib\/model\/(event-registry|upcasters\/.+)\.ts$/,
  /^lib\/store\/(apply-event|change-set|change-statements|fold|job-changes|[\w-]+-table|table)\.ts$/,
]

test('applying entries sees no clock, no chance and no order of arrival', () => {
  const deterministic = files.filter((file) => DETERMINISTIC.some((place) => place.test(file)))
  expect(deterministic.length).toBeGreaterThan(10)
  for (const file of deterministic) {
    const code = readFileSync(join(ROOT, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    expect(code, file).not.toMatch(
      /\bDate\b|Math\.random|randomBytes|performance\.|\bnow\(\)|gen_random|nextval|runtime/i,
    )
  }
})

test('migrations use no clock, no chance and no sequence', () => {
  for (const file of filesBelow('migrations', '.sql')) {
    const sql = readFileSync(join(ROOT, file), 'utf8').replace(/--.*$/gm, '')
    expect(sql, file).not.toMatch(/\bnow\(\)|random\(|current_timestamp|nextval|\bserial\b|identity|uuidv7\(/i)
  }
})

test('files are small', () => {
  const large = files.filter((file) => readFileSync(join(ROOT, file), 'utf8').split('\n').length > 400)
  expect(large).toEqual([])
})
