import { isSameLease, type Lease } from '../log/lease.ts'

/** Times of the lease, ms. */
export interface LeaseSettings {
  /** How long it lasts without being renewed. */
  leaseMs: number
  /** Between renewals. */
  renewMs: number
  /** Between looks of those who do not hold it. */
  lookMs: number
  /** Between looks while it is about to change hands, or may be taken any moment. */
  quickLookMs: number
  /** So long after an entry of the holder's he is believed to be alive, whatever his lease says. */
  quietMs: number
  /** A leader that has appended nothing for so long although it tried is none any more. */
  stepDownMs: number
  /** From the notice of a handover to its beginning: longer than `lookMs`, so that whoever takes over looks often by then. */
  noticeMs: number
}

export const LEASE_SETTINGS: LeaseSettings = {
  leaseMs: 1_500,
  renewMs: 500,
  lookMs: 200,
  quickLookMs: 20,
  quietMs: 1_000,
  stepDownMs: 5_000,
  noticeMs: 400,
}

/** Two estimates of server time differ by less than this: the header has whole seconds. */
const CLOCKS_MS = 1_000

/** What a node knows about the lease. Times are its own monotonic clock's. */
export interface LeaseSight {
  lease: Lease | undefined
  /** When it was first seen as it is now. */
  changedAt: number
  /** When an entry of its holder's was last seen. */
  entryAt: number
}

export const NO_SIGHT: LeaseSight = {
  lease: undefined,
  changedAt: Number.NEGATIVE_INFINITY,
  entryAt: Number.NEGATIVE_INFINITY,
}

export interface LeaseMoment {
  /** Server time. */
  server: number
  /** The node's monotonic clock. */
  monotonic: number
}

/** What is known after the lease was read. */
export function sighted(before: LeaseSight, lease: Lease | undefined, monotonic: number): LeaseSight {
  if (isSameLease(before.lease, lease)) return { ...before, lease }
  const entryAt = before.lease?.holder === lease?.holder ? before.entryAt : Number.NEGATIVE_INFINITY
  return { lease, changedAt: monotonic, entryAt }
}

/**
 * Ms after which the holder is no longer believed to be alive, if no sign of him comes; 0 when the lease may be taken.
 *
 * He is alive while his lease is unexpired or his entries advance. Expiry is server time, of which two nodes may know a
 * little less than a second too much or too little; so who has not seen for himself that the lease stood still for its time waits,
 * and who has seen it stand still for a second more does not.
 */
export function aliveForMs(
  { lease, changedAt, entryAt }: LeaseSight,
  now: LeaseMoment,
  settings: LeaseSettings,
): number {
  if (lease === undefined || lease.holder === '') return 0
  const { leaseMs, quietMs } = settings
  const stoodFor = now.monotonic - changedAt
  const expiresIn = Math.min(lease.expiresMs - now.server, leaseMs + CLOCKS_MS - stoodFor)
  return Math.max(0, expiresIn, leaseMs - stoodFor, quietMs - (now.monotonic - entryAt))
}

/** The lease as somebody takes it who may. */
export function taken(
  before: Lease | undefined,
  by: Pick<Lease, 'holder' | 'endpoint'>,
  { server }: LeaseMoment,
  { leaseMs }: LeaseSettings,
): Lease {
  return { ...by, term: (before?.term ?? 0) + 1, expiresMs: Math.round(server + leaseMs), leaving: false }
}

/** The lease as its holder renews it. */
export function renewed(lease: Lease, leaving: boolean, { server }: LeaseMoment, { leaseMs }: LeaseSettings): Lease {
  // Later than before in any case, so that two renewals are never the same.
  return { ...lease, leaving, expiresMs: Math.max(Math.round(server + leaseMs), lease.expiresMs + 1) }
}

/**
 * The lease as its holder gives it back. The term stays: the next who takes it has the next one. Whether the holder was
 * leaving stays, too: what was handed over in order is ready to be taken.
 */
export function released(lease: Lease): Lease {
  return { ...lease, holder: '', endpoint: '' }
}
