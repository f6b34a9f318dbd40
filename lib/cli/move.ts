import { createInterface } from 'node:readline/promises'
import { uuidv7 } from 'uuidv7'
import type { BorealClient } from '../client/client.ts'
import { BorealError } from '../model/errors.ts'
import { type ConnectionFlags, connect } from './connection.ts'
import { operationEnded, type StartedOperation } from './operation.ts'
import { printJson, printTable } from './output.ts'

export interface MoveFlags extends ConnectionFlags {
  dryRun?: boolean
  yes?: boolean
  confirm?: string
  reason?: string
  json?: boolean
}

export interface Difference {
  entities: { entity: string; added: number; changed: number; removed: number; examples: Record<string, string[]> }[]
  rows: number
  digest: string
}

interface Preview {
  lsn: number
  difference: Difference
}

interface Outcome extends Preview {
  made: boolean
}

/**
 * Shows what a request would change in the live store, has it confirmed, and sends it. Whoever does not want to be asked is
 * told afterwards: to compare the stores once only is what makes a large one come back soon.
 */
export async function showAndMove(path: string, body: object, flags: MoveFlags): Promise<void> {
  const client = connect(flags)
  try {
    if ((flags.confirm === undefined && !flags.yes) || flags.dryRun) {
      const preview = await post<Preview>(client, path, { ...body, dryRun: true })
      if (!flags.json) printDifference(preview)
      if (flags.dryRun) return flags.json ? printJson(preview) : undefined
      if (preview.difference.rows === 0) return flags.json ? printJson({ made: false, ...preview }) : undefined
      await ask()
    }
    const { storeId } = await client.get<{ storeId: string }>('/v1/status')
    const headers = {
      'idempotency-key': uuidv7(),
      ...(flags.reason === undefined ? {} : { 'boreal-reason': flags.reason }),
    }
    const outcome = await post<Outcome>(client, path, { ...body, confirm: flags.confirm ?? storeId }, headers)
    if (flags.json) return printJson(outcome)
    const { made, lsn } = outcome
    if (made && flags.yes) printDifference(outcome, { done: true })
    process.stdout.write(
      made
        ? `done: the difference is log entry ${lsn}\nundo it: boreal backtrack --undo ${lsn}\n`
        : `nothing to do: at LSN ${lsn} the store is like that already\n`,
    )
  } finally {
    await client.close()
  }
}

async function post<T>(
  client: BorealClient,
  path: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<T> {
  const { body: answer } = await client.request<T | StartedOperation>('POST', path, { body, headers })
  return isOperation(answer) ? operationEnded<T>(client, answer) : (answer as T)
}

export function isOperation(answer: unknown): answer is StartedOperation {
  return typeof answer === 'object' && answer !== null && 'kind' in answer && 'state' in answer
}

export function printDifference({ lsn, difference: { entities, rows, digest } }: Preview, { done = false } = {}): void {
  if (rows === 0) {
    process.stdout.write(`no difference to the live store at LSN ${lsn}\n`)
    return
  }
  const shown = entities.map(({ entity, added, changed, removed, examples }) => {
    const some = [
      ...(examples.added ?? []).map((key) => `+${key}`),
      ...(examples.changed ?? []).map((key) => `~${key}`),
      ...(examples.removed ?? []).map((key) => `-${key}`),
    ]
    return [entity, added, changed, removed, some.slice(0, 5).join(' ')]
  })
  printTable(['ENTITY', 'ADDED', 'CHANGED', 'REMOVED', 'FOR EXAMPLE'], shown)
  const what = done ? `changed at LSN ${lsn}` : `at LSN ${lsn} would change`
  process.stdout.write(`${rows} rows of the live store ${what}; digest ${digest}\n`)
}

async function ask(): Promise<void> {
  if (process.stdin.isTTY) {
    const terminal = createInterface({ input: process.stdin, output: process.stderr })
    const answer = await terminal.question('Change the live store? Type yes: ')
    terminal.close()
    if (answer.trim() === 'yes') return
  }
  throw new BorealError('confirmation_required', 'nothing was changed; --yes does it without asking')
}
