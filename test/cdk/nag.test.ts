import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { aws_s3 as s3 } from 'aws-cdk-lib'
import { expect, test } from 'vitest'
import { borealApp } from '../../cdk/app.ts'
import { emptyBundle } from './synthesized.ts'

/** Rules of cdk-nag (AwsSolutions) over whole apps. */

const MINUTES = { timeout: 300_000 }

/** What synthesis has to say about an app. */
function findings(
  context: Record<string, unknown>,
  change: (app: ReturnType<typeof borealApp>) => void = () => undefined,
): string {
  const outdir = mkdtempSync(join(tmpdir(), 'boreal-cdk-'))
  const built = borealApp(emptyBundle(), { context, outdir })
  change(built)
  try {
    built.app.synth()
  } catch {
    // The report says what was found.
  }
  // A finding would be the exit code of these tests.
  process.exitCode = 0
  const { pluginReports } = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8'))
  return JSON.stringify(pluginReports)
}

test.each([{}, { profile: 'busy', auth: 'apiKey' }])('nothing is found with %j', MINUTES, (context) => {
  expect(findings(context)).toBe('[]')
})

test('a bucket that anybody may read would be found', MINUTES, () => {
  const found = findings({}, ({ stack }) => void new s3.Bucket(stack, 'Public'))
  expect(found).toMatch(/AwsSolutions-S1/)
})
