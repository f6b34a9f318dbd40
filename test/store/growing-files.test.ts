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

/** Rows of two kilobytes, each different from the others. */
function rows(from: number, to: number) {
  return statement(
    `insert into large select id, rpad(md5(id::text), 1900, md5((id * 7)::text)) from generate_series(${from}, ${to}) id`,
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
    [6, 1_000],
    [1_001, 40_000],
  ] as const) {
    await engine.run([rows(from, to)])
    contents.push(await contentOf(engine))
  }
  expect(contents.map((content) => (content as number[])[0])).toEqual([5, 1_000, 40_000])
  expect(await engine.memory()).toBeGreaterThan(before + 75 * MB)

  const parts: Uint8Array[] = []
  for await (const part of engine.image()) parts.push(part)
  const copy = await PgliteEngine.bootImage({ parts: partsInMemory(...parts), wasm })
  expect(await contentOf(copy)).toEqual(contents.at(-1))
  await copy.run([rows(40_001, 45_000)])
  expect(await contentOf(copy)).not.toEqual(contents.at(-1))
  await engine.run([rows(40_001, 45_000)])
  expect(await contentOf(copy)).toEqual(await contentOf(engine))

  // A table that has shrunk, or was emptied, can be filled again.
  for (const shrink of ['delete from large where id > 1000', 'truncate large']) {
    const full = await copy.memory()
    await copy.run([statement(shrink)])
    await copy.run([statement('vacuum large')])
    if (shrink.startsWith('truncate')) await copy.run([rows(1, 1_000)])
    expect(await contentOf(copy)).toEqual(contents[1])
    expect(await copy.memory()).toBeLessThan(full - 70 * MB)
    await copy.run([rows(1_001, 40_000)])
    expect(await contentOf(copy)).toEqual(contents[2])
  }
  await Promise.all([engine.kill(), copy.kill()])
})
