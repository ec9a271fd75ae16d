import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { mayWrite } from '../api/current-key.js';
import { Button } from '../ui/button.js';
import { RequestProblem } from '../ui/request-problem.js';
import { useRequest } from '../ui/use-request.js';
import type { ConversationRequests } from './conversation-requests.js';
import type { OpenDialog } from './dialogs/open-dialog.js';
import { errorEventAdvice } from './events/error-advice.js';
import type { LiveConversation } from './live-conversation.js';
import { recordAt, textAt, toEvent } from './stream/wire-event.js';

/** How a run has ended without success, and what helps apart from another attempt. */
interface Problem {
  title: string;
  helps?: 'model' | 'budget' | undefined;
}

/** Kinds of errors that another model may not have. */
const MODEL_KINDS: ReadonlySet<string> = new Set(['auth', 'quota', 'rate_limit', 'config', 'transient']);
const UNKNOWN: Problem = { title: 'The run failed' };
const STUCK: Problem = { title: 'The agent repeats itself, so the run was ended' };

/** Says how the last run failed, and offers what helps. The event of the error has the whole text. */
export function RunProblem({
  conversation,
  requests,
  openDialog,
}: {
  conversation: LiveConversation;
  requests: ConversationRequests;
  openDialog: OpenDialog;
}) {
  const problem = useSignal<Problem>(UNKNOWN);
  const retry = useRequest(() => requests.run());
  const status = conversation.status.value;
  // The error is stored after the status, and each attempt may fail with another one.
  const leaf = conversation.info.value?.leaf_event_id;
  useEffect(() => {
    if (status !== 'error') {
      problem.value = UNKNOWN;
      return undefined;
    }
    let isLatest = true;
    requests.lastEvent('ConversationErrorEvent').then(
      (event) => {
        if (isLatest) problem.value = problemOf(event);
      },
      () => {
        // The heading stands alone.
      },
    );
    return () => {
      isLatest = false;
    };
  }, [status, leaf, requests]);
  if (status !== 'error' && status !== 'stuck') return null;
  const { title, helps } = status === 'stuck' ? STUCK : problem.value;
  return (
    <section class="run-problem" aria-label="Problem of the run">
      <div class="run-problem-actions">
        <strong role="status">{title}</strong>
        {mayWrite() && (
          <>
            <Button busy={retry.isBusy} onClick={() => void retry.run()}>
              Try again
            </Button>
            {helps === 'model' && <Button onClick={() => openDialog('model')}>Switch the model</Button>}
            {helps === 'budget' && <Button onClick={() => openDialog('budget')}>Change the budget</Button>}
          </>
        )}
      </div>
      <RequestProblem problem={retry.problem} />
    </section>
  );
}

function problemOf(value: unknown): Problem {
  const event = toEvent(value);
  if (event === undefined) return UNKNOWN;
  const isModel = MODEL_KINDS.has(textAt(recordAt(event, 'classification'), 'kind'));
  const helps = textAt(event, 'code') === 'MaxBudgetReached' ? 'budget' : isModel ? 'model' : undefined;
  return { title: errorEventAdvice(event).title, helps };
}
