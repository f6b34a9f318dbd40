import type { OperationHandler } from './operation-handler.ts'

/** Asked for by the node itself, for an operator (`boreal upgrade finalize`). */
export const finalizeFormat: OperationHandler<'finalizeFormat'> = {
  announce() {
    // The format is known wherever something is decided.
  },

  decide({ format }, state) {
    const later = format > state.format
    if (later) state.emit({ event: 'formatVersion', v: 1, format })
    return { op: 'finalizeFormat', affected: later ? 1 : 0 }
  },
}
