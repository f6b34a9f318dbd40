import { expect, test } from 'vitest'
import { acceptedTokens, parseTokens } from '../../functions/secret-tokens.ts'

test('a text without a colon is the secret of an admin', () => {
  expect(parseTokens('a-secret-of-some-length')).toMatchObject([{ name: 'admin', scope: 'admin' }])
})

test('others are a list, in lines or with commas', () => {
  const text = 'ann:write:secret-of-ann-12345, bob:read:secret-of-bob-12345\ncarol:admin:secret-of-carol-123\n'
  expect(parseTokens(text)).toMatchObject([
    { name: 'ann', scope: 'write' },
    { name: 'bob', scope: 'read' },
    { name: 'carol', scope: 'admin' },
  ])
})

test('an API that would accept nobody does not start', async () => {
  await expect(acceptedTokens({})).rejects.toMatchObject({ code: 'invalid_field' })
})
