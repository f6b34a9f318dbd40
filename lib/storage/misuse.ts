import { BorealError } from '../model/errors.ts'

/** The program uses the library in a way that cannot work. */
export function misuse(message: string): BorealError {
  return new BorealError('forbidden', message)
}
