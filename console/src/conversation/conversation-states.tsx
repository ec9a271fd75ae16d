import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { SocketState } from '../api/live-socket.js';
import { isOffline, reachability } from '../api/reachability.js';
import { Button } from '../ui/button.js';
import { EmptyState } from '../ui/empty-state.js';
import { Loading } from '../ui/loading.js';
import { Problem } from '../ui/problem.js';
import { oneLine } from '../ui/safe-text.js';
import type { LiveConversation } from './live-conversation.js';

const MAX_DETAIL = 400;
/** Shorter losses are not worth a word. */
const SHOWN_AFTER_MS = 700;
const UUID = /^[\da-f]{8}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{12}$/i;

/** What is shown while a conversation is not there: it is loaded, or there is a reason why not. */
export function NoConversation({ conversation }: { conversation: LiveConversation }) {
  const problem = conversation.problem.value;
  if (problem === null) return <Loading label="Loading the conversation" />;
  if (problem.kind === 'missing' && !UUID.test(conversation.id)) {
    return (
      <EmptyState title="This is no id of a conversation">
        <p>
          <code>{oneLine(conversation.id, 80)}</code> is not a UUID. Look whether the address was cut off.
        </p>
        <a href="./">All conversations</a>
      </EmptyState>
    );
  }
  if (problem.kind === 'missing') {
    return (
      <EmptyState title="There is no such conversation here">
        <p>
          This server has no conversation with the id <code>{conversation.id}</code>. It was deleted, or
          another running server owns it: then open it there.
        </p>
        <a href="./">All conversations</a>
      </EmptyState>
    );
  }
  if (problem.kind === 'key') {
    return (
      <EmptyState title="The conversation needs a session key">
        <p>{oneLine(problem.detail, MAX_DETAIL)}</p>
        <p>It is shown as soon as you have entered a valid key.</p>
      </EmptyState>
    );
  }
  return (
    <Problem
      title="The conversation cannot be loaded"
      detail={`${oneLine(problem.detail, MAX_DETAIL)} The console tries again by itself.`}
      action={{ label: 'Try now', run: () => conversation.reconnect() }}
    />
  );
}

/** Says that what is shown is not live any more. */
export function ConversationStateNotice({ conversation }: { conversation: LiveConversation }) {
  const problem = conversation.problem.value;
  const isLost = useLost(conversation.socketState.value);
  // The banner of the console says that the server is away.
  const isAway = reachability.value === 'away' || isOffline.value;
  return (
    <div aria-live="polite">
      {problem?.kind === 'missing' && (
        <p class="conversation-notice gone">
          <span>
            <strong>The conversation is gone.</strong> It was deleted, or another server has taken it over.
            What you see is the last state that was loaded.
          </span>
          <a class="button" href="./">
            All conversations
          </a>
        </p>
      )}
      {problem?.kind !== 'missing' && isLost && !isAway && (
        <p class="conversation-notice">
          <span>The connection is lost. It is opened again by itself; nothing is missed.</span>
          <Button kind="quiet" onClick={() => conversation.reconnect()}>
            Connect now
          </Button>
        </p>
      )}
    </div>
  );
}

/** Whether a connection has been lost for a moment and is not there again. */
function useLost(state: SocketState): boolean {
  const isLost = useSignal(false);
  useEffect(() => {
    if (state === 'open') isLost.value = false;
    if (state !== 'waiting' || isLost.peek()) return undefined;
    const timer = setTimeout(() => {
      isLost.value = true;
    }, SHOWN_AFTER_MS);
    return () => clearTimeout(timer);
  }, [state]);
  return isLost.value;
}
