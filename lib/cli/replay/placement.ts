import type { TraceNode, TracePod } from './trace.ts'

interface Room {
  node: TraceNode
  cpuMilli: number
  memoryMib: number
  /** Free share of each GPU. */
  gpuMilli: number[]
}

/** Where a pod was put. */
export interface Place {
  host: string
  /** GPUs it has a share of. */
  gpus: number[]
}

/**
 * The bookkeeping of a scheduler: which host has room for which pod. Best fit: the host that has the least left, GPUs
 * first because they are the scarce ones, so that large pods still find room later.
 */
export class Placement {
  readonly #rooms: Room[]

  constructor(nodes: TraceNode[]) {
    this.#rooms = nodes.map((node) => ({
      node,
      cpuMilli: node.cpuMilli,
      memoryMib: node.memoryMib,
      gpuMilli: new Array<number>(node.gpus).fill(1_000),
    }))
  }

  /** Takes room for a pod; `undefined` when no host has any. */
  place(pod: TracePod): Place | undefined {
    let best: { room: Room; gpus: number[]; left: number } | undefined
    for (const room of this.#rooms) {
      const gpus = fits(room, pod)
      if (gpus === undefined) continue
      const left = leftOver(room)
      if (best === undefined || left < best.left) best = { room, gpus, left }
    }
    if (best === undefined) return undefined
    take(best.room, pod, best.gpus, 1)
    return { host: best.room.node.name, gpus: best.gpus }
  }

  /** Gives the room of a pod back. */
  free(pod: TracePod, place: Place): void {
    const room = this.#rooms.find(({ node }) => node.name === place.host)
    if (room !== undefined) take(room, pod, place.gpus, -1)
  }
}

/** How much a host has left, in milli-GPUs and then milli-CPUs. */
function leftOver(room: Room): number {
  return room.gpuMilli.reduce((sum, free) => sum + free, 0) * 1_000 + room.cpuMilli
}

/** The GPUs that the pod would get; `undefined` when it does not fit. */
function fits(room: Room, pod: TracePod): number[] | undefined {
  if (pod.cpuMilli > room.cpuMilli || pod.memoryMib > room.memoryMib) return undefined
  if (pod.gpus === 0) return []
  if (pod.gpuModels.length > 0 && !pod.gpuModels.includes(room.node.model)) return undefined
  const gpus: number[] = []
  for (let gpu = 0; gpu < room.gpuMilli.length && gpus.length < pod.gpus; gpu++) {
    if (room.gpuMilli[gpu]! >= pod.gpuMilli) gpus.push(gpu)
  }
  return gpus.length === pod.gpus ? gpus : undefined
}

function take(room: Room, pod: TracePod, gpus: number[], sign: 1 | -1): void {
  room.cpuMilli -= sign * pod.cpuMilli
  room.memoryMib -= sign * pod.memoryMib
  for (const gpu of gpus) room.gpuMilli[gpu]! -= sign * pod.gpuMilli
}
