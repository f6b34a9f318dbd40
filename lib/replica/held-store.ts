import type { ResultSet } from '../store/result-set.ts'
import type { Statement } from '../store/statement.ts'

/** A store that stays at its place of the log while somebody works with it in several messages. */
export interface HeldStore {
  /** Where it stands. */
  readonly lsn: number
  read(statements: Statement[]): Promise<ResultSet[]>
  /** Results of the reads as they are behind the changes, which nobody else sees: they are rolled back. */
  readBehind(changes: Statement[], reads: Statement[]): Promise<ResultSet[]>
}
