import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Button } from '../ui/button.js';
import { RequestProblem } from '../ui/request-problem.js';
import { oneLine, visible } from '../ui/safe-text.js';
import { useCommands } from '../ui/shortcuts.js';
import { useRequest } from '../ui/use-request.js';
import { actionText } from './action-text.js';
import type { ConversationRequests } from './conversation-requests.js';
import type { LiveConversation } from './live-conversation.js';
import { textAt, type WireEvent } from './stream/wire-event.js';

/** A key or a second click that was meant for the actions before must not decide about new ones. */
const ARMED_AFTER_MS = 500;
const SHORT_LENGTH = 600;
const SHORT_LINES = 8;
const MAX_LENGTH = 100_000;
/** More are counted. */
const MAX_SHOWN = 12;

/** The waiting actions are others than those that the person has seen. */
class ActionsChangedError extends Error {
  override readonly name = 'ActionsChangedError';
}

/** Asks a person about the actions that wait for an approval. */
export function ApprovalBar({
  conversation,
  requests,
}: {
  conversation: LiveConversation;
  requests: ConversationRequests;
}) {
  const actions = conversation.pendingActions.value;
  const isWaiting = conversation.status.value === 'waiting_for_confirmation';
  if (!isWaiting || actions.length === 0) return null;
  // New actions begin with a new form.
  return (
    <Approval
      key={actions.map(({ id }) => id).join(' ')}
      actions={actions}
      conversation={conversation}
      requests={requests}
    />
  );
}

function Approval({
  actions,
  conversation,
  requests,
}: {
  actions: readonly WireEvent[];
  conversation: LiveConversation;
  requests: ConversationRequests;
}) {
  const isRefusing = useSignal(false);
  /** The server knows the decision; the events that follow from it are on their way. */
  const isDecided = useSignal(false);
  const isArmed = useSignal(false);
  useEffect(() => {
    const timer = setTimeout(() => {
      isArmed.value = true;
    }, ARMED_AFTER_MS);
    return () => clearTimeout(timer);
  }, [isArmed]);
  const decide = useRequest(async (accept: boolean, reason?: string, goOn = false) => {
    await assertSame(requests, actions);
    await requests.respond(accept, reason);
    isDecided.value = true;
    if (goOn) await requests.run();
  });
  const approve = (): void => void decide.run(true);
  const isBusy = decide.isBusy || isDecided.value;
  const canDecide = isArmed.value && !isBusy;
  useCommands([
    {
      keys: 'a',
      label: 'Approve the waiting actions',
      group: 'Approval',
      run: () => {
        if (canDecide) approve();
      },
    },
    {
      keys: 'r',
      label: 'Refuse the waiting actions',
      group: 'Approval',
      run: () => {
        if (canDecide) isRefusing.value = true;
      },
    },
  ]);
  const isLive = conversation.socketState.value === 'open';
  const count = actions.length;
  return (
    <section class="approval" aria-label="Approval">
      <div class="approval-head" role="status">
        <strong>
          {count === 1 ? 'An action waits for your approval' : `${count} actions wait for your approval`}
        </strong>
        {!isLive && <span>The connection is lost: what waits may have changed.</span>}
      </div>
      <ol class="approval-actions">
        {actions.slice(0, MAX_SHOWN).map((event) => (
          <li key={event.id}>
            <PendingAction event={event} />
          </li>
        ))}
      </ol>
      {count > MAX_SHOWN && <p>And {count - MAX_SHOWN} more, which are in the events above.</p>}
      <RequestProblem
        problem={decide.problem}
        advice={
          decide.problem instanceof ActionsChangedError ? 'Look at what waits now, then decide.' : undefined
        }
      >
        {decide.problem instanceof ActionsChangedError && (
          <Button onClick={() => void conversation.refreshInfo().then(decide.clear, () => undefined)}>
            Look again
          </Button>
        )}
      </RequestProblem>
      {isRefusing.value ? (
        <RefusalForm
          isBusy={isBusy}
          onRefuse={(reason, goOn) => void decide.run(false, reason, goOn)}
          onCancel={() => {
            isRefusing.value = false;
          }}
        />
      ) : (
        <div class="approval-buttons">
          <Button
            kind="primary"
            busy={isBusy}
            disabled={!isArmed.value}
            title="Runs these actions and lets the agent go on"
            onClick={approve}
          >
            {count === 1 ? 'Approve' : `Approve all ${count}`} <kbd>a</kbd>
          </Button>
          <Button
            kind="danger"
            disabled={!canDecide}
            title="None of them runs; you can say why"
            onClick={() => {
              isRefusing.value = true;
            }}
          >
            {count === 1 ? 'Refuse' : 'Refuse all'} <kbd>r</kbd>
          </Button>
        </div>
      )}
    </section>
  );
}

function RefusalForm({
  isBusy,
  onRefuse,
  onCancel,
}: {
  isBusy: boolean;
  onRefuse: (reason: string | undefined, goOn: boolean) => void;
  onCancel: () => void;
}) {
  const reason = useSignal('');
  const goesOn = useSignal(true);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  const refuse = (): void =>
    onRefuse(reason.value.trim() === '' ? undefined : reason.value.trim(), goesOn.value);
  return (
    <form
      class="refusal"
      onSubmit={(event) => {
        event.preventDefault();
        refuse();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onCancel();
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) refuse();
      }}
    >
      <label class="field">
        <span>Why? The agent reads it.</span>
        <textarea
          ref={field}
          rows={2}
          maxLength={4000}
          placeholder="Optional, such as: show me what it would delete first"
          value={reason.value}
          onInput={(event) => {
            reason.value = event.currentTarget.value;
          }}
        />
      </label>
      <div class="approval-buttons">
        <Button kind="danger" type="submit" busy={isBusy}>
          Refuse
        </Button>
        <Button kind="quiet" onClick={onCancel}>
          Back
        </Button>
        <label class="check">
          <input
            type="checkbox"
            checked={goesOn.value}
            onChange={(event) => {
              goesOn.value = event.currentTarget.checked;
            }}
          />
          Then let the agent go on
        </label>
      </div>
    </form>
  );
}

function PendingAction({ event }: { event: WireEvent }) {
  const isWhole = useSignal(false);
  const { tool, main, rest } = actionText(event);
  const risk = textAt(event, 'security_risk') || 'UNKNOWN';
  const summary = textAt(event, 'summary');
  const text = [main, rest]
    .filter((part) => part !== '')
    .join('\n\n')
    .slice(0, MAX_LENGTH);
  const short = shortened(text);
  return (
    <div class="pending-action">
      <div class="pending-head">
        <code>{visible(oneLine(tool, 80))}</code>
        <span class={`risk ${risk.toLowerCase()}`}>{RISKS[risk] ?? oneLine(risk, 20)}</span>
        {summary !== '' && !summary.startsWith(`${tool}:`) && (
          <span class="pending-summary">{oneLine(summary, 160)}</span>
        )}
      </div>
      <pre tabIndex={0} aria-label={`Arguments of ${oneLine(tool, 80)}`}>
        {visible(isWhole.value ? text : short)}
      </pre>
      {short !== text && (
        <Button
          kind="quiet"
          onClick={() => {
            isWhole.value = !isWhole.value;
          }}
        >
          {isWhole.value ? 'Show less' : `Show all ${text.length.toLocaleString()} characters`}
        </Button>
      )}
    </div>
  );
}

const RISKS: Readonly<Record<string, string>> = {
  LOW: 'low risk',
  MEDIUM: 'medium risk',
  HIGH: 'high risk',
  UNKNOWN: 'risk not assessed',
};

function shortened(text: string): string {
  const lines = text.slice(0, SHORT_LENGTH).split('\n');
  return lines.slice(0, SHORT_LINES).join('\n');
}

/**
 * Another person may have decided meanwhile, and other actions may wait now.
 * @throws ActionsChangedError
 */
async function assertSame(requests: ConversationRequests, seen: readonly WireEvent[]): Promise<void> {
  const last = await requests.lastEvent('ActionEvent');
  if (textAt(last, 'id') !== seen.at(-1)?.id)
    throw new ActionsChangedError('Other actions wait now than those that are shown here.');
}
