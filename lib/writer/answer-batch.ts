import { errorOf } from '../model/error-data.ts'
import type { Answers } from './answers.ts'
import { keyReused } from './evaluate.ts'
import type { Verdict } from './prepare-entry.ts'
import type { Submission } from './submission.ts'

/** Tells everybody in a batch what became of his transaction at an LSN. */
export async function answerBatch(
  answers: Answers,
  batch: readonly Submission[],
  verdicts: readonly Verdict[],
  lsn: number,
): Promise<void> {
  await Promise.all(batch.map((submission, index) => answerOne(answers, submission, verdicts[index]!, lsn)))
}

async function answerOne(answers: Answers, submission: Submission, verdict: Verdict, lsn: number): Promise<void> {
  switch (verdict.kind) {
    case 'commit':
      return submission.resolve(answers.add(lsn, verdict.index, verdict))
    case 'noop':
      return submission.resolve({ lsn, transactionId: verdict.id, results: verdict.results })
    case 'refuse':
      return submission.reject(errorOf(verdict.error))
    case 'repeat':
      return answerRepeat(answers, submission, verdict)
  }
}

async function answerRepeat(
  answers: Answers,
  submission: Submission,
  place: { lsn: number; index: number },
): Promise<void> {
  try {
    const { answer, request } = await answers.at(place.lsn, place.index)
    if (request === submission.key?.request) submission.resolve(answer)
    else submission.reject(keyReused())
  } catch (error) {
    submission.reject(error as Error)
  }
}
