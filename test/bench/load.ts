import { performance } from 'node:perf_hooks'

/** What a closed loop of clients saw. Times in ms. */
export interface LoadResult {
  /** Operations per second. */
  rate: number
  operations: number
  p50: number
  p99: number
  max: number
}

/**
 * Each of `clients` does one operation after another for `durationMs`. Figures count from `warmupMs` on. An operation
 * that fails ends the run: a figure of refusals is none.
 */
export async function load(
  clients: number,
  operation: (client: number) => Promise<void>,
  { durationMs, warmupMs = 500 }: { durationMs: number; warmupMs?: number },
): Promise<LoadResult> {
  const startAt = performance.now() + warmupMs
  const endAt = startAt + durationMs
  const times: number[] = []
  const client = async (id: number) => {
    for (let began = performance.now(); began < endAt; ) {
      await operation(id)
      const ended = performance.now()
      if (began >= startAt && ended <= endAt) times.push(ended - began)
      began = ended
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, id) => client(id)))
  return summary(times, durationMs)
}

export function summary(times: number[], durationMs: number): LoadResult {
  const sorted = Float64Array.from(times).sort()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return {
    rate: (times.length * 1_000) / durationMs,
    operations: times.length,
    p50: at(0.5),
    p99: at(0.99),
    max: sorted.at(-1) ?? Number.NaN,
  }
}
