import { createHash, randomBytes } from 'node:crypto'
import { isBorealError } from '../../lib/model/errors.ts'
import { DirectoryObjects } from '../../lib/objects/directory-objects.ts'

/** What a process of its own does to a folder of objects, until it is killed. It prints what it was told is done. */
export interface PutChildInput {
  root: string
  name: string
  work: 'puts' | 'additions'
}

const { root, name, work }: PutChildInput = JSON.parse(process.argv[2]!)
const store = new DirectoryObjects(root)

/** Objects that carry their own checksum: new ones, overwritten ones and copies. */
async function puts(): Promise<void> {
  for (let i = 0; ; i++) {
    const bytes = randomBytes(1 + Math.floor(Math.random() * 300_000))
    const key = `${name}/${i}`
    await store.put(key, Buffer.concat([createHash('sha256').update(bytes).digest(), bytes]), { ifAbsent: true })
    await store.copy(key, `${name}/copies/${i % 5}`)
    await store.put('shared', await store.get(key))
    console.log(key)
  }
}

/** Lines added to one object that several processes share. */
async function additions(): Promise<void> {
  for (let i = 0; ; ) {
    const { etag } = (await store.head('lines'))!
    const lines = await store.get('lines')
    const line = `${name}-${i}`
    try {
      await store.put('lines', Buffer.concat([lines, Buffer.from(`${line}\n`)]), { ifMatch: etag })
      console.log(line)
      i++
    } catch (error) {
      if (!isBorealError(error, 'precondition_failed')) throw error
    }
  }
}

void (work === 'puts' ? puts() : additions())
