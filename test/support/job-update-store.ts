import { expect } from 'vitest'
import { type JobUpdateKey, jobUpdateKeyText } from '../../lib/model/job-update.ts'
import { rawRequest } from './raw-request.ts'
import type { Answer, TestApi } from './test-api.ts'
import { update } from './update-records.ts'

/** The key of an update in a role of the test's own. */
export function keyIn(role: string, id = 'u', name = 'hello'): JobUpdateKey {
  return { job: { role, environment: 'prod', name }, id }
}

export function pathOf({ job, id }: JobUpdateKey): string {
  return `/v1/job-updates/${job.role}/${job.environment}/${job.name}/${encodeURIComponent(id)}`
}

/** The job update store as Aurora has it, spoken over HTTP. */
export class JobUpdateStore {
  readonly #api: TestApi

  constructor(api: TestApi) {
    this.#api = api
  }

  /** Saves an update, or a small one under a key; gives its version. */
  async save(given: object, lockToken?: string): Promise<number> {
    const jobUpdate = 'job' in given ? update(given as JobUpdateKey) : given
    const { status, body } = await this.#api.transact([
      { op: 'saveJobUpdate', jobUpdate, ...(lockToken === undefined ? {} : { lockToken }) },
    ])
    expect(status, JSON.stringify(body)).toBe(200)
    expect(body.results).toEqual([{ op: 'saveJobUpdate', affected: 1 }])
    return body.lsn
  }

  /** Adds events of the update, in one transaction; gives how many were new. */
  addEvents(key: JobUpdateKey, ...events: object[]): Promise<number> {
    return this.#add('saveJobUpdateEvent', key, events)
  }

  /** Adds events of instances, in one transaction; gives how many were new. */
  addInstanceEvents(key: JobUpdateKey, ...events: object[]): Promise<number> {
    return this.#add('saveJobInstanceUpdateEvent', key, events)
  }

  async #add(op: string, key: JobUpdateKey, events: object[]): Promise<number> {
    const { status, body } = await this.#api.transact(events.map((event) => ({ op, key, event })))
    expect(status, JSON.stringify(body)).toBe(200)
    return body.results.reduce((sum: number, { affected }: { affected: number }) => sum + affected, 0)
  }

  /** Removes updates; gives the ids of those that were there. */
  async remove(...keys: JobUpdateKey[]): Promise<string[]> {
    const { status, body } = await this.#api.transact([{ op: 'removeJobUpdates', keys }])
    expect(status, JSON.stringify(body)).toBe(200)
    expect(body.results[0].affected).toBe(body.results[0].keys.length)
    return body.results[0].keys.map(({ id }: JobUpdateKey) => id)
  }

  /** Prunes; gives the keys of what was removed, as text, sorted. */
  async prune(perJobRetainCount: number, historyPruneThresholdMs: number | string): Promise<string[]> {
    const { status, body } = await this.#api.transact([
      { op: 'pruneJobUpdates', perJobRetainCount, historyPruneThresholdMs },
    ])
    expect(status, JSON.stringify(body)).toBe(200)
    expect(body.results[0].affected).toBe(body.results[0].keys.length)
    return body.results[0].keys.map(jobUpdateKeyText).sort()
  }

  /** The answer for one update. The path goes out as it is: an id may look like a step in a path. */
  get(key: JobUpdateKey, below = ''): Promise<Answer> {
    return rawRequest(this.#api.url, { path: pathOf(key) + below })
  }

  /** The details of one update. */
  // biome-ignore lint/suspicious/noExplicitAny: a record as it came.
  async fetch(key: JobUpdateKey): Promise<any> {
    const { status, body } = await this.get(key)
    expect(status, JSON.stringify(body)).toBe(200)
    return body
  }

  /** The state that an update shows in its details; the summary in the list must show the same. */
  async state(key: JobUpdateKey): Promise<object | undefined> {
    const { summary } = (await this.fetch(key)).update
    const { job } = key
    const listed = await this.#api.list(`/v1/job-updates?jobKey=${job.role}/${job.environment}/${job.name}`)
    expect(listed.find((each) => each.key.id === key.id)).toMatchObject(summary)
    return summary.state
  }

  /** Ids of the updates that a query string finds, over all pages, in their order. */
  async ids(query: string): Promise<string[]> {
    return (await this.#api.list(`/v1/job-updates?${query}`)).map(({ key }) => key.id)
  }
}
