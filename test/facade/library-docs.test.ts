import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/temporary.ts'
import { memoryApi, WRITE_TOKEN } from '../support/test-api.ts'

/** The programs of docs/library.md are plain Node programs inside the clone, and print what the page says. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(ROOT, 'docs/library.md'), 'utf8')
const programs = [...page.matchAll(/```js\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/g)].map(([, code, output]) => ({
  code: code!,
  output: output!,
}))

test('every program has its output beside it', () => {
  expect(programs).toHaveLength(2)
  expect([...page.matchAll(/```js\n/g)]).toHaveLength(programs.length)
})

test.each(programs)('program %#', async ({ code, output }) => {
  const api = await memoryApi()
  const data = JSON.stringify(join(await temporaryFolder(), 'data'))
  const program = code.replace("'./data'", data)
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: ROOT,
    env: { ...process.env, BOREAL_URL: api.url, BOREAL_TOKEN: WRITE_TOKEN },
  })
  expect(stdout).toBe(output)
})
