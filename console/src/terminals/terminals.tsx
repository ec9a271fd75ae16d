import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { messageOf } from '../api/api-error.js';
import type { Schemas } from '../api/client.js';
import { mayWrite } from '../api/current-key.js';
import { setQuery, viewQuery } from '../routing/address.js';
import { Button } from '../ui/button.js';
import { EmptyState } from '../ui/empty-state.js';
import { Icon } from '../ui/icon.js';
import { oneLine } from '../ui/safe-text.js';
import { TabList } from '../ui/tab-list.js';
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
  const isOpening = useSignal(false);
  const refresh = async (): Promise<void> => {
    const before = list.peek();
    try {
      const items = await requests.list();
      // What was opened or closed meanwhile may be missing in it, or still be there.
      if (list.peek() === before) list.value = items;
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
      choose(terminal.id);
    } catch (error) {
      showToast(`Not opened: ${messageOf(error)}`, { kind: 'error' });
    } finally {
      isOpening.value = false;
    }
  };
  const terminals = list.value ?? [];
  const chosen = viewQuery.value.get('terminal');
  const current = terminals.find(({ id }) => id === chosen) ?? terminals[0];
  const ofPeople = terminals.filter(({ agent }) => !agent);
  const tabs = terminals.map((terminal) => ({
    name: terminal.id,
    id: `terminal-tab-${terminal.id}`,
    label: nameOf(terminal, ofPeople.indexOf(terminal) + 1),
  }));
  const opener = (kind?: 'primary'): ComponentChildren =>
    mayWrite() && (
      <Button kind={kind ?? 'plain'} busy={isOpening.value} onClick={() => void open()}>
        <Icon name="plus" />
        New terminal
      </Button>
    );
  return (
    <div class="terminals">
      {problem.value !== undefined && (
        <p class="terminal-banner" role="alert">
          {problem.value}
        </p>
      )}
      {list.value !== undefined && current === undefined && (
        <EmptyState title="No terminal yet">
          <p>
            {conversationId === undefined
              ? 'A shell on the machine of the server.'
              : 'A shell in the workspace, with what the agent has. Its own terminal is here from its first command on.'}
          </p>
          {opener('primary')}
        </EmptyState>
      )}
      {current !== undefined && (
        <>
          <div class="terminal-bar">
            <TabList
              class="terminal-tabs"
              label="Terminals"
              tabs={tabs}
              current={current.id}
              onChoose={choose}
            />
            {opener()}
          </div>
          <TerminalPane
            key={current.id}
            terminal={current}
            requests={requests}
            onClosed={() => {
              list.value = (list.peek() ?? []).filter(({ id }) => id !== current.id);
            }}
          />
        </>
      )}
    </div>
  );
}

/** The address names the chosen terminal, so that it is shown again after a reload. */
function choose(terminal: string): void {
  setQuery({ terminal });
}

/** @param number of the terminal among those of people */
function nameOf({ agent, title, shell, status }: Schemas['Terminal'], number: number): string {
  const name = agent ? 'Agent' : title !== null ? oneLine(title, 24) : `${oneLine(shell, 16)} ${number}`;
  return status === 'ended' ? `${name} (ended)` : name;
}
