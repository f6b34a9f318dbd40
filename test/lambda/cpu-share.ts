import { existsSync } from 'node:fs'
import { mkdir, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** Memory at which Lambda gives a function one processor; less gives it that much less of one. */
const MB_PER_CPU = 1_769

const PERIOD_US = 20_000

export interface CpuShare {
  /** In words, for reports. */
  what: string
  /** Puts a process into it, with all its threads. */
  add(pid: number): Promise<void>
  /** When no process is in it any more. */
  remove(): Promise<void>
}

const CGROUP1 = '/sys/fs/cgroup/cpu'

/**
 * The share of the machine's processors that a function with this memory has, as a control group; where we may make none,
 * `undefined`.
 */
export async function cpuShare(memoryMb: number): Promise<CpuShare | undefined> {
  const quota = Math.round((PERIOD_US * memoryMb) / MB_PER_CPU)
  const isOld = existsSync(join(CGROUP1, 'cpu.cfs_quota_us'))
  const folder = join(isOld ? CGROUP1 : '/sys/fs/cgroup', `boreal-${process.pid}-${Date.now()}`)
  try {
    await mkdir(folder)
    if (isOld) {
      await writeFile(join(folder, 'cpu.cfs_period_us'), String(PERIOD_US))
      await writeFile(join(folder, 'cpu.cfs_quota_us'), String(quota))
    } else {
      await writeFile(join(folder, 'cpu.max'), `${quota} ${PERIOD_US}`)
    }
  } catch {
    await rmdir(folder).catch(() => undefined)
    return undefined
  }
  return {
    what: `${(quota / PERIOD_US).toFixed(2)} processors`,
    add: (pid) => writeFile(join(folder, 'cgroup.procs'), String(pid)),
    remove: async () => {
      for (let tries = 0; tries < 100; tries++) {
        const gone = await rmdir(folder).then(
          () => true,
          () => false,
        )
        if (gone) return
        await delay(50)
      }
    },
  }
}
