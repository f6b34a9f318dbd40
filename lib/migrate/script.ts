/** One statement of a script. */
export interface ScriptStatement {
  sql: string
  /** Line of the script on which it begins, from 1. */
  line: number
}

/** What opens a part of a script in which a semicolon does not end a statement. */
const OPENERS = /--|\/\*|'|"|\$(?:[A-Za-z_]\w*)?\$|;/g

/**
 * The statements of a SQL script, in order. One by one they can be run in the engine's own protocol, and one that fails
 * has a line. Knows comments, quoted text and names, and dollar quotes; not `E'…\'…'`, which no script of ours needs.
 */
export function statementsOf(script: string): ScriptStatement[] {
  const statements: ScriptStatement[] = []
  let start = 0
  const add = (end: number) => {
    const text = script.slice(start, end)
    const blank = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(text)![0].length
    if (blank < text.length) {
      statements.push({ sql: text.slice(blank).trimEnd(), line: script.slice(0, start + blank).split('\n').length })
    }
  }
  OPENERS.lastIndex = 0
  for (let opener = OPENERS.exec(script); opener !== null; opener = OPENERS.exec(script)) {
    if (opener[0] === ';') {
      add(opener.index)
      start = OPENERS.lastIndex
    } else OPENERS.lastIndex = endOf(script, opener[0], OPENERS.lastIndex)
  }
  add(script.length)
  return statements
}

const CLOSERS: Record<string, string> = { '--': '\n', '/*': '*/' }

/** Where a comment or a quote ends; at the end of the script when nothing closes it, which the database then says. */
function endOf(script: string, opener: string, from: number): number {
  const closer = CLOSERS[opener] ?? opener
  const at = script.indexOf(closer, from)
  return at < 0 ? script.length : at + closer.length
}
