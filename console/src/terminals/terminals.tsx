import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { messageOf } from '../api/api-error.js';
import type { Schemas } from '../api/client.js';
import { mayWrite } from '../api/current-key.js';
import { Button } from '../ui/button.js';
import { oneLine } from '../ui/safe-text.js';
import { showToast } from '../ui/toast.js';
import { TerminalPane } from './terminal-pane.js';
import { TerminalRequests } from './terminal-requests.js';

/** How often the list is read again (ms): terminals of other people and of the agent appear. */
const REFRESH_MS = 4_000;

/** The terminals of a conversation, or of the server. */
export function Terminals({ conversationId }: { conversationId: string | undefined }) {
  const requests = useMemo(() => new TerminalRequests(conversationId), [conversationId]);
  const list = useSignal<Schemas['Terminal'][] | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const chosen = useSignal<string | undefined>(undefined);
  const isOpening = useSignal(false);
  const refresh = async (): Promise<void> => {
    try {
      list.value = await requests.list();
      problem.value = undefined;
    } catch (error) {
      problem.value = messageOf(error);
    }
  };
  useEffect(() => {
    void refresh();
    const timer = setInterval(() => void refresh(), REFRESH_MS);
    return () => clearInterval(timer);
  }, [requests]);
  const open = async (): Promise<void> => {
    isOpening.value = true;
    try {
      const terminal = await requests.open();
      list.value = [...(list.peek() ?? []), terminal];
      chosen.value = terminal.id;
    } catch (error) {
      showToast(`Not opened: ${messageOf(error)}`, { kind: 'error' });
    } finally {
      isOpening.value = false;
    }
  };
  const terminals = list.value ?? [];
  const current = terminals.find(({ id }) => id === chosen.value) ?? terminals[0];
  return (
    <div class="terminals">
      <div class="terminal-tabs" role="tablist" aria-label="Terminals">
        {terminals.map((terminal, index) => (
          <button
            key={terminal.id}
            type="button"
            role="tab"
            aria-selected={terminal === current}
            onClick={() => (chosen.value = terminal.id)}
          >
            {nameOf(terminal, index)}
          </button>
        ))}
        {mayWrite() && (
          <Button kind="quiet" busy={isOpening.value} onClick={() => void open()}>
            New terminal
          </Button>
        )}
      </div>
      {problem.value !== undefined && <p class="terminal-banner">{problem.value}</p>}
      {current === undefined ? (
        list.value !== undefined && (
          <p class="soft">
            There is no terminal yet.
            {conversationId !== undefined && ' That of the agent appears with its first command.'}
          </p>
        )
      ) : (
        <TerminalPane
          key={current.id}
          terminal={current}
          requests={requests}
          onClosed={() => {
            list.value = (list.peek() ?? []).filter(({ id }) => id !== current.id);
          }}
        />
      )}
    </div>
  );
}

function nameOf({ agent, title, shell, status }: Schemas['Terminal'], index: number): string {
  const name = agent ? 'Agent' : title !== null ? oneLine(title, 24) : `${oneLine(shell, 16)} ${index + 1}`;
  return status === 'ended' ? `${name} (ended)` : name;
}
