/** How long what is asked of the table may take, ms. */
export interface RequestLimits {
  connectMs: number
  requestMs: number
  /** Of a page, which has up to a megabyte: the limit of a small request would be too short for it on a busy machine. */
  pageMs: number
}

/** For whoever serves: somebody waits. */
export const PROMPT: RequestLimits = { connectMs: 500, requestMs: 1_000, pageMs: 5_000 }

/**
 * For jobs: nobody waits, and they may have to wait for a processor themselves. Who gets none for a second sees that his
 * time is over before he sees the answer, which has been there all the time.
 */
export const PATIENT: RequestLimits = { connectMs: 20_000, requestMs: 20_000, pageMs: 20_000 }

/** What a request of the SDK gets, ms. */
export function limitOf(headers: Record<string, string>, { requestMs, pageMs }: RequestLimits): number {
  return headers['x-amz-target']?.endsWith('.Query') ? pageMs : requestMs
}
