import { expect, test } from 'vitest'
import { taskConfig } from '../../lib/model/task-config.ts'

/** Configs that were validated are remembered by their text; nothing else may follow from that. */

const text = JSON.stringify({
  job: { role: 'www', environment: 'prod', name: 'hello' },
  resources: [{ ramMb: 512 }, { numCpus: 1.5 }],
})

test('the same config is validated once, and is one object', () => {
  expect(taskConfig.parse(JSON.parse(text))).toBe(taskConfig.parse(JSON.parse(text)))
})

test('what is remembered cannot be changed by whoever was given it', () => {
  const config = taskConfig.parse(JSON.parse(text))
  expect(() => {
    config.priority = 9
  }).toThrow(TypeError)
  expect(() => {
    config.job.name = 'other'
  }).toThrow(TypeError)
  expect(taskConfig.parse(JSON.parse(text))).toMatchObject({ priority: 0, job: { name: 'hello' } })
})

test('the object that came in stays its owner’s', () => {
  const input = JSON.parse(text)
  taskConfig.parse(input)
  input.job.name = 'other'
  expect(taskConfig.parse(input).job.name).toBe('other')
})

test('a config that is wrong is refused every time', () => {
  const wrong = { ...JSON.parse(text), priority: 'high' }
  for (let i = 0; i < 2; i++) expect(taskConfig.safeParse(wrong).success).toBe(false)
  const cyclic: Record<string, unknown> = JSON.parse(text)
  cyclic.self = cyclic
  for (const input of [cyclic, { ...JSON.parse(text), priority: 1n }, null, 'text']) {
    expect(taskConfig.safeParse(input).success).toBe(false)
  }
})
