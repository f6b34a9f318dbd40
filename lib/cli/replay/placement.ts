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
 * The bookkeeping of a scheduler: which host has room for which pod. First fit, beginning after the host that was
 * filled last, so that pods spread.
 */
export class Placement {
  readonly #rooms: Room[]
  #next = 0

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
    for (let i = 0; i < this.#rooms.length; i++) {
      const index = (this.#next + i) % this.#rooms.length
      const room = this.#rooms[index]!
      const gpus = fits(room, pod)
      if (gpus === undefined) continue
      this.#next = index + 1
      take(room, pod, gpus, 1)
      return { host: room.node.name, gpus }
    }
    return undefined
  }

  /** Gives the room of a pod back. */
  free(pod: TracePod, place: Place): void {
    const room = this.#rooms.find(({ node }) => node.name === place.host)
    if (room !== undefined) take(room, pod, place.gpus, -1)
  }
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
