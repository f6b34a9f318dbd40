/** One thing measured: a case, a variant of it ("64 clients"), a system, and what came out. */
export interface Figure {
  case: string
  variant: string
  system: string
  /** Median of the rounds. */
  value: number
  unit: string
  /** The value of every round, in their order. */
  rounds: number[]
  /** Medians of the rounds' latencies, ms. */
  p50?: number
  p99?: number
  /** The longest of all rounds, ms. */
  max?: number
  /** CPU time that the load generator took for an operation, ms. */
  clientCpuMs?: number
  /** What was durable when a write was acknowledged, or another thing to know. */
  note?: string
}

/** What a round adds. */
export interface Sample {
  value: number
  p50?: number
  p99?: number
  max?: number
  clientCpuMs?: number
}

type Label = Pick<Figure, 'variant' | 'system' | 'unit' | 'note'>

/** Gathers the samples of a case, round by round, and gives their medians. */
export class Samples {
  readonly #case: string
  readonly #samples = new Map<string, { label: Label; samples: Sample[] }>()

  constructor(name: string) {
    this.#case = name
  }

  add(label: Label, sample: Sample): void {
    const key = JSON.stringify([label.variant, label.system, label.unit])
    const known = this.#samples.get(key)
    if (known === undefined) this.#samples.set(key, { label, samples: [sample] })
    else known.samples.push(sample)
  }

  has(variant: string, system: string): boolean {
    return [...this.#samples.values()].some(({ label }) => label.variant === variant && label.system === system)
  }

  figures(): Figure[] {
    return [...this.#samples.values()].map(({ label, samples }) => {
      const rounds = samples.map(({ value }) => value)
      const figure: Figure = { case: this.#case, ...label, value: median(rounds), rounds }
      for (const name of ['p50', 'p99', 'clientCpuMs'] as const) {
        const values = samples.flatMap((sample) => sample[name] ?? [])
        if (values.length > 0) figure[name] = median(values)
      }
      const longest = samples.flatMap(({ max }) => max ?? [])
      if (longest.length > 0) figure.max = Math.max(...longest)
      return figure
    })
  }
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The figure of a case, a variant and a system, if it was measured. */
export function findFigure(
  figures: readonly Figure[],
  name: string,
  variant: string,
  system: string,
): Figure | undefined {
  return figures.find((each) => each.case === name && each.variant === variant && each.system === system)
}

/** 1000000 as 1M, 10000 as 10k. */
export function short(count: number): string {
  if (count >= 1_000_000) return `${count / 1_000_000}M`
  return count >= 1_000 ? `${count / 1_000}k` : String(count)
}

/** 1 client, 16 clients. */
export function clientsText(clients: number): string {
  return clients === 1 ? '1 client' : `${clients} clients`
}
