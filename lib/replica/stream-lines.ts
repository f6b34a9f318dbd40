import { BorealError } from '../model/errors.ts'

/** The lines of a text that comes in pieces: those that a piece completes, together. Bounded, whoever sends them. */
export async function* linesOf(pieces: AsyncIterable<string>, mostCharacters: number): AsyncGenerator<string[]> {
  let rest = ''
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop()!
    if (rest.length > mostCharacters) throw new BorealError('malformed', `a line is over ${mostCharacters} characters`)
    if (lines.length > 0) yield lines
  }
}
