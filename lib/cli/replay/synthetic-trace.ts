import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { PodPhase, Trace, TraceNode, TracePod } from './trace.ts'

/** Shapes that pods come in: milli-CPUs, MiB, GPUs, milli-GPUs. */
const SHAPES = [
  [500, 1_024, 0, 0],
  [1_000, 4_096, 0, 0],
  [4_000, 16_384, 0, 0],
  [6_000, 12_288, 1, 500],
  [12_000, 24_576, 1, 1_000],
  [32_000, 131_072, 4, 1_000],
] as const

const QOS = ['LS', 'LS', 'LS', 'BE', 'BE', 'Burstable', 'Guaranteed'] as const

/** How pods end, out of a hundred. */
const PHASES: [PodPhase, number][] = [
  ['Running', 64],
  ['Failed', 22],
  ['Pending', 11],
  ['Succeeded', 3],
]

/** A trace of `pods` pods, the same for the same seed, on as many nodes as they need. */
export function syntheticTrace(pods: number, seed: number): Trace {
  const random = xoroshiro128plus(seed)
  const draw = (below: number) => uniformInt(random, 0, below - 1)
  const list: TracePod[] = []
  let clock = 0
  for (let index = 0; index < pods; index++) {
    const [cpuMilli, memoryMib, gpus, gpuMilli] = SHAPES[draw(SHAPES.length)]!
    const phase = phaseOf(draw(100))
    clock += draw(1_000)
    const scheduledAt = phase === 'Pending' ? undefined : clock + draw(100)
    list.push({
      name: `pod-${String(index).padStart(6, '0')}`,
      cpuMilli,
      memoryMib,
      gpus,
      gpuMilli,
      gpuModels: [],
      qos: QOS[draw(QOS.length)]!,
      phase,
      createdAt: clock,
      scheduledAt,
      endedAt: (scheduledAt ?? clock) + draw(1_000_000),
    })
  }
  return { nodes: nodesFor(list), pods: list }
}

function phaseOf(percent: number): PodPhase {
  let rest = percent
  for (const [phase, share] of PHASES) {
    if (rest < share) return phase
    rest -= share
  }
  return 'Running'
}

/** Half as many nodes again as the pods would fill. */
function nodesFor(pods: TracePod[]): TraceNode[] {
  const cpu = pods.reduce((sum, pod) => sum + pod.cpuMilli, 0)
  const gpus = pods.reduce((sum, pod) => sum + pod.gpus, 0)
  const count = Math.max(1, Math.ceil((1.5 * cpu) / 96_000), Math.ceil((1.5 * gpus) / 8))
  return Array.from({ length: count }, (_, index) => ({
    name: `node-${String(index).padStart(4, '0')}`,
    cpuMilli: 96_000,
    memoryMib: 786_432,
    gpus: 8,
    model: index % 3 === 0 ? 'A10' : 'T4',
  }))
}
