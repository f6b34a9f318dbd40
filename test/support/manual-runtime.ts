import { type Runtime, systemRuntime } from '../../lib/model/runtime.ts'

/** The machine's runtime with clocks that a test moves on. */
export class ManualRuntime implements Runtime {
  #wall = 0
  #monotonic = 0
  readonly random = systemRuntime.random
  readonly newId = systemRuntime.newId
  readonly sleep = systemRuntime.sleep

  readonly now = () => systemRuntime.now() + this.#wall
  readonly monotonic = () => systemRuntime.monotonic() + this.#monotonic

  /**
   * Time passes as the clocks tell it: both alike while a process is stopped, only the wall clock's while the machine
   * sleeps, only the monotonic one's when somebody sets the wall clock back.
   */
  elapse({ wall, monotonic }: { wall: number; monotonic: number }): void {
    this.#wall += wall
    this.#monotonic += monotonic
  }
}
