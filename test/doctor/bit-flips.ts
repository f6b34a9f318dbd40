import type { LogAttributes } from '../../lib/log/dynamo-item.ts'
import { withFlippedBit } from '../support/snapshots.ts'
import type { DoctorBed } from './doctor-bed.ts'

/** One changed bit, somewhere in what a store is made of. */
export interface Flip {
  kind: 'item' | 'body' | 'part' | 'manifest' | 'verification' | 'segment'
  where: string
  undo(): Promise<void>
}

/** A number from 0 to `below`. */
export type Dice = (below: number) => number

/** The same dice for the same seed. */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

export async function flipInItem(bed: DoctorBed, lsn: number, dice: Dice): Promise<Flip> {
  const attributes = (await bed.attributes(lsn))!
  const names = Object.keys(attributes).filter(
    (name) => name !== 'pk' && name !== 'sk' && bitsOf(attributes[name]!) > 0,
  )
  // The body is most of an item; the attributes matter as much.
  const name = dice(3) === 0 && names.includes('body') ? 'body' : names[dice(names.length)]!
  const undo = await bed.damageItem(lsn, (item) => ({ ...item, [name]: flipped(item[name]!, dice) }))
  return { kind: 'item', where: `${name} of ${lsn}`, undo }
}

export async function flipInObject(bed: DoctorBed, kind: Flip['kind'], key: string, dice: Dice): Promise<Flip> {
  const undo = await bed.damageObject(key, (bytes) => withFlippedBit(bytes, dice(bytes.byteLength * 8)))
  return { kind, where: key, undo }
}

type Value = LogAttributes[string]

function bitsOf(value: Value): number {
  return (value.S?.length ?? value.N?.length ?? value.B?.byteLength ?? 0) * 8
}

function flipped(value: Value, dice: Dice): Value {
  if (value.B !== undefined) return { B: withFlippedBit(value.B, dice(value.B.byteLength * 8)) }
  // The table takes nothing but numbers as numbers.
  if (value.N !== undefined) return { N: String(BigInt(value.N) ^ (1n << BigInt(dice(40)))) }
  const bytes = Buffer.from(value.S!)
  return { S: Buffer.from(withFlippedBit(bytes, dice(bytes.byteLength * 8))).toString('latin1') }
}
