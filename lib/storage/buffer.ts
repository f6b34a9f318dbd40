import type { Operation, OperationOf } from '../model/operations.ts'
import type { Entity } from '../model/preconditions.ts'

interface Buffered {
  entity: Entity
  operation: Operation
}

const NONE: Operation[] = []

/** The operations of a write closure, in order, until they are committed. */
export class OperationBuffer {
  readonly #buffered: Buffered[] = []
  /** By the entities asked for; good until the next write. */
  readonly #selections = new Map<string, Operation[]>()

  add(entity: Entity, operation: Operation): void {
    this.#buffered.push({ entity, operation })
    this.#selections.clear()
  }

  get empty(): boolean {
    return this.#buffered.length === 0
  }

  all(): Operation[] {
    return compacted(this.#buffered.map(({ operation }) => operation))
  }

  /** The operations on some entities: the others cannot matter to who reads only these. The same list until a write. */
  on(entities: readonly Entity[]): Operation[] {
    const name = entities.join(' ')
    let selection = this.#selections.get(name)
    if (selection === undefined) {
      const chosen = this.#buffered.filter(({ entity }) => entities.includes(entity))
      selection = chosen.length === 0 ? NONE : compacted(chosen.map(({ operation }) => operation))
      this.#selections.set(name, selection)
    }
    return selection
  }

  static readonly none = NONE
}

/** Runs of saved tasks become one operation: a loop over thousands of tasks is one write, as it is one in SQL. */
function compacted(operations: Operation[]): Operation[] {
  const compact: Operation[] = []
  let run: Map<string, OperationOf<'saveTasks'>['tasks'][number]> | undefined
  const end = () => {
    if (run !== undefined) compact.push({ op: 'saveTasks', tasks: [...run.values()] })
    run = undefined
  }
  for (const operation of operations) {
    if (operation.op === 'saveTasks') {
      run ??= new Map()
      for (const task of operation.tasks) run.set(task.assignedTask.taskId, task)
    } else {
      end()
      compact.push(operation)
    }
  }
  end()
  return compact
}
