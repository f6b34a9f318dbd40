import { expect, test } from 'vitest'
import { PreparedStatements } from '../../lib/store/protocol.ts'
import { statement } from '../../lib/store/statement.ts'

/** The kinds of messages: P parse, B bind, E execute, C close. */
const kinds = (messages: Uint8Array[]) => messages.map((message) => String.fromCharCode(message[0]!)).join('')

test('a statement is parsed when it is used first, and again when it was not used for longest among too many', () => {
  const prepared = new PreparedStatements()
  const run = (number: number) => kinds(prepared.messages(statement(`select ${number}`)))
  for (let number = 0; number < 400; number++) expect(run(number)).toBe('PBE')
  expect(run(0)).toBe('BE')
  // The second one has to go: the first was used again.
  expect(run(400)).toBe('CPBE')
  expect(run(0)).toBe('BE')
  expect(run(2)).toBe('BE')
  expect(run(1)).toBe('CPBE')
})

test('after a failure statements are closed and parsed again under other names', () => {
  const prepared = new PreparedStatements()
  const [first, second] = [statement('select 1'), statement('select 2')]
  prepared.messages(first)
  prepared.messages(second)
  prepared.forget([first])
  expect(kinds(prepared.messages(second))).toBe('CBE')
  expect(kinds(prepared.messages(first))).toBe('PBE')
})

test('bytes that came from another thread are sent as bytes', () => {
  const bytes = new Uint8Array([1, 2, 3, 0, 255])
  const [, bind] = new PreparedStatements().messages({ sql: 'select $1::bytea', params: [bytes] })
  const message = Buffer.from(bind!)
  expect(message.includes(Buffer.from([0, 0, 0, 5, 1, 2, 3, 0, 255]))).toBe(true)
})
