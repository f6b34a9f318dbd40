import { onTestFinished } from 'vitest'
import { startTable } from '../support/embedded-table.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** Settings of functions on a table and objects of their own, for the time of the test. */
export async function place(): Promise<Record<string, string>> {
  const { endpoint } = await startTable()
  return {
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    BOREAL_TABLE: 'boreal',
    BOREAL_CREATE_TABLE: 'true',
    BOREAL_OBJECTS: await temporaryFolder(),
    BOREAL_BACKUP_OBJECTS: await temporaryFolder(),
  }
}

/** Sets variables of this process for the time of the test. */
export function during(env: Record<string, string>): void {
  for (const [name, value] of Object.entries(env)) {
    const before = process.env[name]
    process.env[name] = value
    onTestFinished(() => {
      if (before === undefined) delete process.env[name]
      else process.env[name] = before
    })
  }
}
