import { performance } from 'node:perf_hooks'

/** What a closed loop of clients saw. Times in ms. */
export interface LoadResult {
  /** Operations per second. */
  rate: number
  p50: number
  p99: number
  max: number
  /** What an operation costs this process, ms: it takes part in the work of the machine. */
  clientCpuMs: number
}

/**
 * Each of `clients` does one operation after another for `durationMs`. Figures count from `warmupMs` on. An operation
 * that fails ends the run: a figure of refusals is none.
 */
export async function load(
  clients: number,
  operation: (client: number) => Promise<unknown>,
  { durationMs, warmupMs = 300 }: { durationMs: number; warmupMs?: number },
): Promise<LoadResult> {
  const startAt = performance.now() + warmupMs
  const endAt = startAt + durationMs
  const cpu = process.cpuUsage()
  const times: number[] = []
  let operations = 0
  let failed = false
  const client = async (id: number) => {
    for (let began = performance.now(); began < endAt && !failed; operations++) {
      await operation(id)
      const ended = performance.now()
      // Whatever ends within the window counts: of slow operations many began before it.
      if (ended >= startAt && ended <= endAt) times.push(ended - began)
      began = ended
    }
  }
  const clientsDone = Array.from({ length: clients }, (_, id) => client(id))
  try {
    await Promise.all(clientsDone)
  } catch (error) {
    failed = true
    await Promise.allSettled(clientsDone)
    throw error
  }
  const { user, system } = process.cpuUsage(cpu)
  const rate = (times.length * 1_000) / durationMs
  return { rate, ...latencies(times), clientCpuMs: (user + system) / 1_000 / operations }
}

/** Median, 99th percentile and longest of times. */
export function latencies(times: number[]): Pick<LoadResult, 'p50' | 'p99' | 'max'> {
  const sorted = Float64Array.from(times).sort()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? Number.NaN }
}

/** Clients share a list of work: each takes the next piece when it is done with one. */
export async function inParallel(
  clients: number,
  pieces: number,
  work: (piece: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const client = async () => {
    while (next < pieces) await work(next++)
  }
  await Promise.all(Array.from({ length: clients }, client))
}
