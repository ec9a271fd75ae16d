import type { ComponentChildren } from 'preact';
import { messageOf } from '../api/api-error.js';
import { adviceFor } from '../api/error-advice.js';
import { oneLine } from './safe-text.js';

const MAX_LENGTH = 600;

/** Says in place why a request failed and what to do; nothing without a failure. */
export function RequestProblem({
  problem,
  advice,
  children,
}: {
  problem: unknown;
  /** Replaces the general advice for its status. */
  advice?: string;
  /** Buttons. */
  children?: ComponentChildren;
}) {
  if (problem === undefined) return null;
  const what = oneLine(messageOf(problem), MAX_LENGTH);
  return (
    <div class="request-problem" role="alert">
      <p>
        <strong>{/[.!?]$/.test(what) ? what : `${what}.`}</strong> {advice ?? adviceFor(problem)}
      </p>
      {children !== undefined && <div class="request-problem-actions">{children}</div>}
    </div>
  );
}
