import type { Command } from 'commander'
import { BorealError } from '../model/errors.ts'
import { POINT_FORM, parsePoint } from '../recovery/point.ts'
import { withConnection } from './connection.ts'
import { type MoveFlags, showAndMove } from './move.ts'

export function backtrackCommand(program: Command): void {
  withMoveFlags(
    withConnection(
      program
        .command('backtrack')
        .description('take the store back to what it was, by one entry with the difference; nothing is stopped'),
    )
      .argument('[target]', 'an LSN (4711, 4711.2), a time (2026-03-01T09:30:00Z) or -2h')
      .option('--undo <lsn>', 'instead: what this entry has written becomes what it was before it'),
  ).action(backtrack)
}

/** Flags of what changes the live store. */
export function withMoveFlags(command: Command): Command {
  return command
    .option('--dry-run', 'only show what would change')
    .option('--yes', 'do not ask')
    .option('--confirm <digest>', 'only if the difference is just the one with this digest')
    .option('--reason <text>', 'kept in the log')
    .option('--json', 'answer as JSON')
}

async function backtrack(target: string | undefined, flags: MoveFlags & { undo?: string }): Promise<void> {
  const { undo } = flags
  if ((target === undefined) === (undefined === undo)) {
    throw new BorealError('invalid_field', 'give either a target or --undo LSN')
  }
  if (undo !== undefined && !/^\d{1,15}$/.test(undo)) throw new BorealError('invalid_field', `${undo} is no LSN`)
  if (target !== undefined && parsePoint(target) === undefined) {
    throw new BorealError('invalid_field', `${JSON.stringify(target)} is no target: it ${POINT_FORM}`)
  }
  await showAndMove('/v1/backtrack', undo === undefined ? { target } : { undo: Number(undo) }, flags)
}
