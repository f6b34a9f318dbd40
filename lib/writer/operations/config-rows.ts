import { contentHash } from '../../model/canonical.ts'
import type { TaskConfigRow } from '../../model/events.ts'
import { getOrInsert } from '../../model/get-or-insert.ts'
import type { TaskConfig } from '../../model/task-config.ts'
import { taskConfigsTable } from '../../store/task-configs-table.ts'
import type { BatchReads } from '../batch-reads.ts'
import type { Overlay } from '../overlay.ts'

const ids = new WeakMap<TaskConfig, string>()

/** Id of a config: the hash of its content. Remembered, because a batch that lost a race is decided again. */
export function configIdOf(config: TaskConfig): string {
  return getOrInsert(ids, config, () => contentHash(config))
}

/** Announces that it will matter whether the store has a config. */
export function announceConfig(config: TaskConfig, reads: BatchReads): void {
  reads.row(taskConfigsTable, configIdOf(config))
}

/** The part of an event that brings those configs which the store does not have yet. */
export function missingConfigs(state: Overlay, configs: TaskConfig[]): { configs?: TaskConfigRow[] } {
  const missing = new Map<string, TaskConfigRow>()
  for (const config of configs) {
    const configId = configIdOf(config)
    if (state.row(taskConfigsTable, configId) === undefined) missing.set(configId, { configId, config })
  }
  return missing.size === 0 ? {} : { configs: [...missing.values()] }
}
