import { ApiError, isRecord } from '../../../api/api-error.js';

/** A file that a restore was refused for. */
export interface Conflict {
  path: string;
  reason: string;
  step: number | null;
  canForce: boolean;
}

const REASONS: Readonly<Record<string, string>> = {
  changed: 'was changed by somebody else since',
  later_step: 'was changed by a later step',
  too_large: 'is too large to be kept, so this could not be undone',
  not_kept: 'its earlier content is not kept',
  not_a_file: 'something else is in its place',
  unreadable: 'cannot be looked at',
};

/** The files that a restore was refused for; undefined for another error. */
export function conflictsOf(error: unknown): Conflict[] | undefined {
  if (!(error instanceof ApiError) || error.status !== 409 || !isRecord(error.body)) return undefined;
  const { conflicts } = error.body;
  if (!Array.isArray(conflicts)) return undefined;
  return conflicts.filter(isRecord).map(({ path, reason, step, can_force }) => ({
    path: String(path),
    reason: String(reason),
    step: typeof step === 'number' ? step : null,
    canForce: can_force === true,
  }));
}

/** What stands in the way, for people. */
export function conflictText({ reason, step }: Conflict): string {
  const text = REASONS[reason] ?? reason;
  return step === null ? text : `${text} (step ${step})`;
}
