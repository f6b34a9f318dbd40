import { expect, test } from 'vitest'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { partsInMemory } from '../../lib/store/image-parts.ts'
import { jsonOf } from '../../lib/store/result-set.ts'
import { statement } from '../../lib/store/statement.ts'
import { testImage } from '../support/image.ts'

const MB = 1024 * 1024

const CONTENT = statement(
  `select json_build_array(count(*), sum(length(body)), md5(string_agg(md5(body), '' order by id))) from large`,
)

async function contentOf(engine: PgliteEngine): Promise<unknown> {
  const [result] = await engine.run([CONTENT])
  return jsonOf(result)
}

/** Rows of a kilobyte, each different from the others. */
function rows(from: number, to: number) {
  return statement(
    `insert into large select id, rpad(md5(id::text), 1000, md5((id * 7)::text)) from generate_series(${from}, ${to}) id`,
  )
}

test('tables that outgrow what was reserved for their files keep every row, also in images', async () => {
  const { wasm, ...image } = await testImage()
  const engine = await PgliteEngine.bootImage({ ...image, wasm })
  await engine.run([statement('create table large (id int primary key, body text not null)')])
  const before = await engine.memory()
  // From a page to what is copied, to what grows in place, to more than was reserved for it: 64 MB.
  const contents: unknown[] = []
  for (const [from, to] of [
    [1, 5],
    [6, 2_000],
    [2_001, 80_000],
  ] as const) {
    await engine.run([rows(from, to)])
    contents.push(await contentOf(engine))
  }
  expect(contents.map((content) => (content as number[])[0])).toEqual([5, 2_000, 80_000])
  expect(await engine.memory()).toBeGreaterThan(before + 80 * MB)

  const parts: Uint8Array[] = []
  for await (const part of engine.image()) parts.push(part)
  const copy = await PgliteEngine.bootImage({ parts: partsInMemory(...parts), wasm })
  expect(await contentOf(copy)).toEqual(contents.at(-1))
  await copy.run([rows(80_001, 90_000)])
  expect(await contentOf(copy)).not.toEqual(contents.at(-1))
  await engine.run([rows(80_001, 90_000)])
  expect(await contentOf(copy)).toEqual(await contentOf(engine))

  // What is truncated is free at once, and the table can be filled again.
  await copy.run([statement('truncate large'), rows(1, 2_000)])
  expect(await contentOf(copy)).toEqual(contents[1])
  await copy.run([statement('checkpoint')])
  expect(await copy.memory()).toBeLessThan((await engine.memory()) - 80 * MB)
  await Promise.all([engine.kill(), copy.kill()])
})
