import { BorealError } from '../../model/errors.ts'
import type { InstanceConfigs, JobUpdateRow } from '../../model/events.ts'
import { jobId } from '../../model/job-key.ts'
import { type JobUpdate, type JobUpdateInstructions, jobUpdateKeyText } from '../../model/job-update.ts'
import type { TaskConfig } from '../../model/task-config.ts'
import { jobUpdatesTable } from '../../store/job-updates-table.ts'
import { locksTable } from '../../store/locks-table.ts'
import type { Overlay } from '../overlay.ts'
import { announceConfig, configIdOf, missingConfigs } from './config-rows.ts'
import { checkUpdateLimits } from './limits.ts'
import type { OperationHandler } from './operation-handler.ts'

export const saveJobUpdate: OperationHandler<'saveJobUpdate'> = {
  announce({ jobUpdate, lockToken }, reads) {
    const { key } = jobUpdate.summary
    reads.row(jobUpdatesTable, jobUpdateKeyText(key))
    if (lockToken !== undefined) reads.row(locksTable, jobId(key.job))
    for (const config of configsOf(jobUpdate.instructions)) announceConfig(config, reads)
  },

  decide({ jobUpdate, lockToken }, state) {
    const { key, metadata } = jobUpdate.summary
    const update = jobUpdateKeyText(key)
    if (state.row(jobUpdatesTable, update) !== undefined) {
      throw new BorealError('already_exists', `there is a job update ${update} already`)
    }
    if (lockToken !== undefined) checkLock(state, jobId(key.job), lockToken)
    checkUpdateLimits(state, jobUpdate.instructions)
    const { initialState, desiredState, settings } = jobUpdate.instructions
    const configs = configsOf(jobUpdate.instructions)
    state.emit({
      event: 'jobUpdateSaved',
      v: 1,
      update: updateRow(jobUpdate, configs, lockToken),
      instructions: {
        update,
        initialState: (initialState ?? []).map(instanceConfigs),
        ...(desiredState == null ? {} : { desiredState: instanceConfigs(desiredState) }),
        settings,
        ...(metadata === undefined ? {} : { metadata }),
      },
      ...missingConfigs(state, configs),
    })
    return { op: 'saveJobUpdate', affected: 1 }
  },
}

function checkLock(state: Overlay, job: string, token: string): void {
  if (state.row(locksTable, job)?.token === token) return
  throw new BorealError('constraint_violation', `job ${job} is not locked with this token; save the lock first`)
}

function configsOf({ initialState, desiredState }: JobUpdateInstructions): TaskConfig[] {
  return [...(initialState ?? []), ...(desiredState == null ? [] : [desiredState])].map(({ task }) => task)
}

function instanceConfigs(state: { task: TaskConfig; instances: InstanceConfigs['instances'] }): InstanceConfigs {
  return { configId: configIdOf(state.task), instances: state.instances }
}

function updateRow({ summary }: JobUpdate, configs: TaskConfig[], lockToken: string | undefined): JobUpdateRow {
  const { role, environment, name } = summary.key.job
  return {
    role,
    environment,
    jobName: name,
    updateId: summary.key.id,
    user: summary.user,
    events: 0,
    instanceEvents: 0,
    configIds: [...new Set(configs.map(configIdOf))].sort(),
    ...(lockToken === undefined ? {} : { lockToken }),
  }
}
