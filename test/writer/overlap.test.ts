import { expect, test } from 'vitest'
import type { LogItem } from '../../lib/log/event-log.ts'
import type { BorealNode } from '../../lib/node/node.ts'
import { type Engine, PgliteEngine } from '../../lib/store/engine.ts'
import { singleRecord } from '../../lib/store/read.ts'
import type { Statement } from '../../lib/store/statement.ts'
import { taskById } from '../../lib/store/tasks.ts'
import { type EntryRequest, prepareEntry } from '../../lib/writer/prepare-entry.ts'
import { QUEUE_LIMITS } from '../../lib/writer/queue.ts'
import { memoryNode, type TestNode, type TestNodeOptions } from '../support/memory-node.ts'
import { as, request, saveQuota, saveTask, setStatus } from '../support/requests.ts'
import { gate, unknown } from '../support/scripted-log.ts'
import { entriesOf } from '../support/state.ts'

/** Rounds overlap: a batch is decided and written while the entry before it is on its way. */

/** A node whose decisions are counted: transactions of the batches that were decided and written. */
async function countingNode(options: TestNodeOptions = {}): Promise<TestNode & { decided(): number }> {
  let decided = 0
  const boot = async (image: Parameters<typeof PgliteEngine.bootImage>[0]): Promise<Engine> => {
    const engine = await PgliteEngine.bootImage(image)
    const call: Engine['call'] = engine.call.bind(engine)
    engine.call = async (procedure, input, ahead) => {
      const output = await call(procedure, input, ahead)
      if (procedure.name === prepareEntry.name) decided += (input as EntryRequest).batch.length
      return output
    }
    return engine
  }
  // Whatever waits is one batch, however slow the machine is.
  const queue = { ...QUEUE_LIMITS, batchTargetMs: 600_000 }
  return { ...(await memoryNode({ ...options, queue, boot })), decided: () => decided }
}

/**
 * Submits one transaction, and while its entry is held up more of them; when they are decided on top of what is not
 * durable, goes on as `outcome` says.
 */
async function overlapped(
  { node, events, decided }: TestNode & { decided(): number },
  first: Parameters<BorealNode['submit']>[0],
  more: Parameters<BorealNode['submit']>[0][],
  outcome: (item: LogItem, put: () => ReturnType<NonNullable<TestNode['events']['onPut']>>) => ReturnType<typeof put>,
) {
  const [reached, held] = [gate(), gate()]
  events.onPut = async (item, put) => {
    events.onPut = undefined
    reached.open()
    await held.opened
    return outcome(item, put)
  }
  const answers = [node.submit(first, as('p'))]
  await reached.opened
  for (const each of more) answers.push(node.submit(each, as('p')))
  await expect.poll(decided).toBe(1 + more.length)
  held.open()
  return Promise.allSettled(answers)
}

async function statusOf(node: BorealNode, taskId: string): Promise<string | undefined> {
  const { results } = await node.read([taskById(taskId)], { level: 'consistent' })
  const record = singleRecord(results[0])
  return record === undefined ? undefined : JSON.parse(record).status
}

test('a batch is decided and written while the entry before it is on its way, and sees it', async () => {
  const bed = await countingNode()
  let decidedBeforeDurable = 0
  const claim = request([setStatus('a', 'ASSIGNED')], [{ entity: 'task', key: 'a', where: { status: 'PENDING' } }])
  const answers = await overlapped(bed, request([saveTask('a')]), [claim, request([saveTask('b')])], (_item, put) => {
    decidedBeforeDurable = bed.decided()
    return put()
  })
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
  expect(decidedBeforeDurable).toBe(3)
  expect(await statusOf(bed.node, 'a')).toBe('ASSIGNED')
})

test('a batch need not be half of the entry on its way to be decided beside it, only of those who were answered last', async () => {
  const bed = await countingNode()
  const held = [gate(), gate(), gate()]
  let puts = 0
  bed.events.onPut = async (_item, put) => {
    await held[puts++]!.opened
    return put()
  }
  const answers = [bed.node.submit(request([saveTask('first')]), as('p'))]
  await expect.poll(() => puts).toBe(1)
  for (let i = 0; i < 10; i++) answers.push(bed.node.submit(request([saveTask(`many-${i}`)]), as('p')))
  await expect.poll(bed.decided).toBe(11)
  held[0]!.open()
  await expect.poll(() => puts).toBe(2)
  answers.push(bed.node.submit(request([saveTask('again')]), as('p')))
  await expect.poll(bed.decided).toBe(12)
  for (const each of held) each.open()
  expect((await Promise.all(answers)).map(({ lsn }) => lsn)).toEqual([1, ...Array(10).fill(2), 3])
})

test('nobody is answered before what he was decided on is durable', async () => {
  const bed = await countingNode()
  const answered: string[] = []
  const [reached, held] = [gate(), gate()]
  bed.events.onPut = async (_item, put) => {
    bed.events.onPut = undefined
    reached.open()
    await held.opened
    return put()
  }
  const first = bed.node.submit(request([saveTask('a')]), as('p', 'k1')).then(() => answered.push('first'))
  await reached.opened
  const second = [
    bed.node.submit(request([saveQuota('www')]), as('p')).then(() => answered.push('committed')),
    // Decided alone these would be answered at once.
    bed.node.submit(request([saveTask('a')]), as('p', 'k1')).then(() => answered.push('repeated')),
    bed.node
      .submit(request([saveQuota('www')], [{ entity: 'task', key: 'a', absent: true }]), as('p'))
      .catch(({ code }) => answered.push(code)),
  ]
  await expect.poll(bed.decided).toBe(4)
  expect(answered).toEqual([])
  held.open()
  await Promise.all([first, ...second])
  expect(answered.sort()).toEqual(['committed', 'first', 'precondition_failed', 'repeated'])
})

test('what was decided on top of an entry that lost its slot is decided again', async () => {
  const bed = await countingNode()
  const { node: other } = await memoryNode({ table: bed.table, storeId: bed.storeId })
  const onlyIfThere = request([saveQuota('www')], [{ entity: 'task', key: 'a', exists: true }])
  const onlyIfFree = request([saveTask('a')], [{ entity: 'quota', key: 'taken', absent: true }])
  const [first, behind] = await overlapped(bed, onlyIfFree, [onlyIfThere], async (_item, put) => {
    await other.submit(request([saveQuota('taken')]), as('other'))
    return put()
  })
  expect(first).toMatchObject({ reason: { code: 'precondition_failed' } })
  // On top of the lost entry it would have held.
  expect(behind).toMatchObject({ reason: { code: 'precondition_failed' } })
  expect(await statusOf(bed.node, 'a')).toBeUndefined()
  expect(await entriesOf(bed.node.log)).toHaveLength(1)
})

test('what was decided on top of an entry that the log refused is decided again', async () => {
  const bed = await countingNode()
  const [first, behind] = await overlapped(
    bed,
    request([saveTask('a')]),
    [request([saveQuota('www')], [{ entity: 'task', key: 'a', absent: true }])],
    async () => ({ kind: 'refused', error: new Error('access denied') }),
  )
  expect(first).toMatchObject({ reason: { code: 'log_unavailable' } })
  expect(behind).toMatchObject({ status: 'fulfilled', value: { lsn: 1 } })
})

test('rows that the database refuses take nothing along that is on its way or waits for its commit', async () => {
  const bed = await countingNode()
  const bad = request([saveTask('deep')])
  // No schema lets a NUL pass, so it is put in behind their back.
  Object.assign((bad.operations[0] as { tasks: object[] }).tasks[0]!, { ancestorId: 'a\u0000b' })
  const answers = await overlapped(bed, request([saveTask('a')]), [bad, request([saveTask('b')])], (_item, put) =>
    put(),
  )
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(await statusOf(bed.node, 'a')).toBe('PENDING')
  expect(await statusOf(bed.node, 'b')).toBe('PENDING')
  const { node: replayed } = await memoryNode({ table: bed.table, storeId: bed.storeId })
  expect(await bed.node.digest()).toEqual(await replayed.digest())
})

test('an entry in doubt keeps nobody from a retry: those behind it are decided when it is settled', async () => {
  const bed = await countingNode({ timeoutMs: 10_000 })
  const answers = await overlapped(
    bed,
    request([saveTask('a')]),
    [request([setStatus('a', 'ASSIGNED')], [{ entity: 'task', key: 'a', exists: true }])],
    async (_item, put) => {
      await put()
      await new Promise((resolve) => setTimeout(resolve, 1_200))
      return unknown()
    },
  )
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
  expect(await statusOf(bed.node, 'a')).toBe('ASSIGNED')
  expect(await entriesOf(bed.node.log)).toHaveLength(2)
})

test('many overlapping rounds leave what replaying the log gives', async () => {
  const bed = await memoryNode()
  bed.events.onPut = async (_item, put) => {
    await new Promise((resolve) => setTimeout(resolve, 3))
    return put()
  }
  const clients = Array.from({ length: 8 }, async (_, client) => {
    for (let i = 0; i < 25; i++) {
      await bed.node.submit(request([saveTask(`t-${client}-${i}`)]), as('p'))
      await bed.node.submit(request([setStatus(`t-${client}-${i}`, 'RUNNING')]), as('p'))
    }
  })
  await Promise.all(clients)
  const { node: replayed } = await memoryNode({ table: bed.table, storeId: bed.storeId })
  expect(await bed.node.digest()).toEqual(await replayed.digest())
})

test('who runs out of time behind an entry that is on its way was not carried out', async () => {
  const bed = await memoryNode()
  const [reached, held] = [gate(), gate()]
  bed.events.onPut = async (_item, put) => {
    bed.events.onPut = undefined
    reached.open()
    await held.opened
    return put()
  }
  const first = bed.node.submit(request([saveTask('a')]), as('p'))
  await reached.opened
  const late = bed.node.submit(request([saveTask('late')]), { ...as('p'), timeoutMs: 150 })
  const patient = bed.node.submit(request([saveTask('patient')]), as('p'))
  await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' })
  held.open()
  expect((await first).lsn).toBe(1)
  expect((await patient).lsn).toBe(2)
  expect(await statusOf(bed.node, 'late')).toBeUndefined()
})

test('who runs out of time in the first of some rounds does not hold up the others, and is not told that nothing was done', async () => {
  const slow = async (image: Parameters<typeof PgliteEngine.bootImage>[0]): Promise<Engine> => {
    const engine = await PgliteEngine.bootImage(image)
    const run = engine.run.bind(engine)
    engine.run = async (statements: Statement[], options) => {
      if (statements.some(({ sql }) => sql.startsWith('copy task '))) {
        await new Promise((resolve) => setTimeout(resolve, 400))
      }
      return run(statements, options)
    }
    return engine
  }
  const bed = await memoryNode({ boot: slow })
  const hasty = bed.node.submit(request([saveTask('hasty')]), { ...as('p'), timeoutMs: 200 })
  const patient = bed.node.submit(request([saveTask('patient')]), as('p'))
  await expect(hasty).rejects.toMatchObject({ code: 'outcome_unknown' })
  expect((await patient).lsn).toBe(1)
  expect(bed.events.puts).toBe(1)
  expect(await statusOf(bed.node, 'hasty')).toBe('PENDING')
})

test('who runs out of time while the store is in use by others was not carried out', async () => {
  const { node } = await memoryNode()
  const [reached, held] = [gate(), gate()]
  const holding = node.hold(
    async () => {
      reached.open()
      await held.opened
      return {}
    },
    { level: 'weak' },
  )
  await reached.opened
  const late = node.submit(request([saveTask('late')]), { ...as('p'), timeoutMs: 50 })
  await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' })
  held.open()
  await holding
  expect((await node.submit(request([saveTask('next')]), as('p'))).lsn).toBe(1)
  expect(await statusOf(node, 'late')).toBeUndefined()
})

test('a request that cannot even be read takes nothing along that waits for its commit', async () => {
  const { node, table, storeId } = await memoryNode()
  await node.submit(request([saveTask('a')]), as('p'))
  // No schema lets it pass.
  const nonsense = { operations: [{ op: 'nonsense' }] } as never
  await expect(node.submit(nonsense, as('p'))).rejects.toThrow()
  await node.submit(request([saveTask('b')]), as('p'))
  expect(await statusOf(node, 'a')).toBe('PENDING')
  const { node: replayed } = await memoryNode({ table, storeId })
  expect(await node.digest()).toEqual(await replayed.digest())
})

test('a node that stops leaves nobody waiting, not even who was decided on top of an entry that failed', async () => {
  const bed = await countingNode()
  let closing: Promise<void> | undefined
  const [, behind] = await overlapped(bed, request([saveTask('a')]), [request([saveTask('b')])], async () => {
    closing = bed.node.close()
    return { kind: 'refused', error: new Error('access denied') }
  })
  await closing
  expect(behind).toMatchObject({ reason: { code: 'not_ready' } })
})
