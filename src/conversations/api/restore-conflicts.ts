import { ConflictException } from '@nestjs/common';
import { RestoreConflictError } from '../conversation-errors.js';

/** Lists the files that a restore was refused for beside the text of the error. */
export async function answerConflicts<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof RestoreConflictError)) throw error;
    const conflicts = error.conflicts.map(({ path, reason, step, canForce }) => ({
      ...{ path, reason, step },
      can_force: canForce,
    }));
    throw new ConflictException({ detail: error.message, conflicts });
  }
}
