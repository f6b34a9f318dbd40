import type { CronJobRow } from '../../model/events.ts'
import { jobId } from '../../model/job-key.ts'
import { cronJobsTable } from '../../store/cron-jobs-table.ts'
import { announceConfig, configIdOf, missingConfigs } from './config-rows.ts'
import { checkInstances } from './limits.ts'
import type { OperationHandler } from './operation-handler.ts'

export const saveCronJob: OperationHandler<'saveCronJob'> = {
  announce({ jobConfiguration: { key, taskConfig } }, reads) {
    reads.row(cronJobsTable, jobId(key))
    announceConfig(taskConfig, reads)
  },

  decide({ jobConfiguration }, state) {
    const { key, taskConfig, owner, cronSchedule, cronCollisionPolicy, instanceCount } = jobConfiguration
    checkInstances(state, instanceCount, 'the cron job asks for')
    const cronJob: CronJobRow = {
      role: key.role,
      environment: key.environment,
      jobName: key.name,
      configId: configIdOf(taskConfig),
      ...(cronSchedule === undefined ? {} : { cronSchedule }),
      cronCollisionPolicy,
      instanceCount,
      ...(owner === undefined ? {} : { owner }),
    }
    state.emit({ event: 'cronJobSaved', v: 1, cronJob, ...missingConfigs(state, [taskConfig]) })
    return { op: 'saveCronJob', affected: 1 }
  },
}
