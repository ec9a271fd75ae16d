import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Button } from '../ui/button.js';
import { oneLine, visible } from '../ui/safe-text.js';
import { RequestProblem } from '../ui/request-problem.js';
import { useRequest } from '../ui/use-request.js';
import type { ConversationRequests } from './conversation-requests.js';
import type { LiveConversation } from './live-conversation.js';
import type { OpenDialog } from './dialogs/open-dialog.js';
import { recordAt, textAt } from './stream/wire-event.js';

const SHORT_LENGTH = 280;
const MAX_LENGTH = 20_000;

/** How a run has ended without success. */
interface RunError {
  code: string;
  detail: string;
  kind: string;
  errorId: string;
}

/** A heading, and what to do. */
interface Explanation {
  title: string;
  advice: string;
  /** What helps, apart from another attempt. */
  helps?: 'model' | 'budget';
}

const BY_CODE: Readonly<Record<string, Explanation>> = {
  MaxBudgetReached: {
    title: 'The budget is spent',
    advice: 'Raise or remove the budget, then try again.',
    helps: 'budget',
  },
  MaxIterationsReached: {
    title: 'The run has reached its maximum of steps',
    advice: 'Try again to give it as many steps once more, or tell the agent how to come to an end.',
  },
  ServerRestarted: {
    title: 'The server was restarted during the run',
    advice: 'The step in progress was lost. Try again: the agent goes on from what is in the log.',
  },
  StorageFailedError: {
    title: 'The server could not store an event',
    advice: 'Look at its disk and its log, then try again.',
  },
};

const BY_KIND: Readonly<Record<string, Explanation>> = {
  auth: {
    title: 'The provider refused the credentials of the model',
    advice: 'Check the API key of the model or its profile, or switch the model. Then try again.',
    helps: 'model',
  },
  quota: {
    title: 'The account of the model has no quota left',
    advice: 'Raise the quota at the provider, or switch the model. Then try again.',
    helps: 'model',
  },
  rate_limit: {
    title: 'The provider limits the number of requests',
    advice: 'Wait a moment and try again, or switch the model.',
    helps: 'model',
  },
  config: {
    title: 'The model or agent is not configured correctly',
    advice: 'Correct what the text below names, or switch the model. Then try again.',
    helps: 'model',
  },
  transient: {
    title: 'The model or its connection failed for the moment',
    advice: 'Try again. If it goes on, switch the model.',
    helps: 'model',
  },
  agent_action: {
    title: 'The agent could not go on',
    advice: 'Tell it what to do differently, or try again.',
  },
  internal: {
    title: 'The server has failed',
    advice: 'This is a fault of the server. Its log has the details; trying again may help.',
  },
};

const UNKNOWN: Explanation = {
  title: 'The run has failed',
  advice: 'Read what happened below, then try again or tell the agent what to do.',
};
const STUCK: Explanation = {
  title: 'The agent repeats itself',
  advice:
    'The run was ended because the same steps came again and again. Tell the agent what to do differently.',
};

/** Says how the last run failed, and offers what helps. */
export function RunProblem({
  conversation,
  requests,
  openDialog,
}: {
  conversation: LiveConversation;
  requests: ConversationRequests;
  openDialog: OpenDialog;
}) {
  const error = useSignal<RunError | undefined>(undefined);
  const isWhole = useSignal(false);
  const retry = useRequest(() => requests.run());
  const status = conversation.status.value;
  // The error is stored after the status, and each attempt may fail with another one.
  const leaf = conversation.info.value?.leaf_event_id;
  useEffect(() => {
    if (status !== 'error') {
      error.value = undefined;
      isWhole.value = false;
      return undefined;
    }
    let isLatest = true;
    requests.lastEvent('ConversationErrorEvent').then(
      (event) => {
        if (isLatest) error.value = toRunError(event);
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
  const known = error.value;
  const { title, advice, helps } =
    status === 'stuck' ? STUCK : (BY_CODE[known?.code ?? ''] ?? BY_KIND[known?.kind ?? ''] ?? UNKNOWN);
  const detail = known?.detail ?? '';
  const short = oneLine(detail, SHORT_LENGTH);
  return (
    <section class="run-problem" aria-label="Problem of the run">
      <div class="run-problem-text">
        <p role="status">
          <strong>{title}.</strong> {advice}
        </p>
        {detail !== '' && <pre>{isWhole.value ? visible(detail) : short}</pre>}
        {detail.length > short.length && (
          <Button
            kind="quiet"
            onClick={() => {
              isWhole.value = !isWhole.value;
            }}
          >
            {isWhole.value ? 'Show less' : 'Show all'}
          </Button>
        )}
        {known?.errorId !== undefined && known.errorId !== '' && (
          <p>
            In the log of the server: <code>{oneLine(known.errorId, 80)}</code>
          </p>
        )}
      </div>
      <RequestProblem problem={retry.problem} />
      <div class="run-problem-actions">
        <Button busy={retry.isBusy} onClick={() => void retry.run()}>
          Try again
        </Button>
        {helps === 'model' && <Button onClick={() => openDialog('model')}>Switch the model</Button>}
        {helps === 'budget' && <Button onClick={() => openDialog('budget')}>Change the budget</Button>}
      </div>
    </section>
  );
}

function toRunError(event: unknown): RunError {
  const classification = recordAt(event, 'classification');
  return {
    code: textAt(event, 'code'),
    detail: textAt(event, 'detail').slice(0, MAX_LENGTH),
    kind: textAt(classification, 'kind'),
    errorId: textAt(classification, 'error_id'),
  };
}
