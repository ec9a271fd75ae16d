import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Schemas } from '../api/client.js';
import { mayWrite } from '../api/current-key.js';
import { messageOf } from '../api/api-error.js';
import { Button } from '../ui/button.js';
import { oneLine } from '../ui/safe-text.js';
import { showToast } from '../ui/toast.js';
import { scheme, SCHEME_NAMES, schemeName, setScheme } from './schemes.js';
import type { TerminalRequests } from './terminal-requests.js';
import { TerminalSession } from './terminal-session.js';

/** The name of whoever uses a key of the configuration, or none: nobody whom a reader would know. */
const SESSION = 'session';

interface Props {
  terminal: Schemas['Terminal'];
  requests: TerminalRequests;
  onClosed: () => void;
}

/** One terminal, with what can be done with it. */
export function TerminalPane({ terminal, requests, onClosed }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const shown = useSignal<TerminalSession | undefined>(undefined);
  useEffect(() => {
    if (!place.current) return undefined;
    const session = new TerminalSession(terminal, place.current);
    shown.value = session;
    return () => session.close();
  }, []);
  const session = shown.value;
  return (
    <section class="terminal-pane" aria-label="Terminal">
      {session && <TerminalHead session={session} requests={requests} onClosed={onClosed} />}
      {session && <TerminalBanner session={session} />}
      <div
        class={`terminal-screen${terminal.agent ? '' : ' of-person'}`}
        style={{ background: scheme.value.background }}
      >
        <div class="terminal-place" ref={place} />
      </div>
    </section>
  );
}

function TerminalHead({
  session,
  requests,
  onClosed,
}: Pick<Props, 'requests' | 'onClosed'> & { session: TerminalSession }) {
  const { agent, status, exit_code, viewers, taken_over_by: owner, rows, cols } = session.info.value;
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
      session.focus();
    } catch (error) {
      showToast(`${what}: ${messageOf(error)}`, { kind: 'error' });
    }
  };
  const others = viewers.length - 1;
  return (
    <div class="terminal-head">
      <span class="soft">
        {status === 'ended' ? `Ended${exit_code === null ? '' : ` with ${exit_code}`}` : `${cols} × ${rows}`}
        {agent && owner === null && status === 'running' && ', the agent types'}
        {agent && owner !== null && `, taken over${owner === SESSION ? '' : ` by ${oneLine(owner, 40)}`}`}
        {others > 0 && `, ${others} other viewer${others === 1 ? '' : 's'}`}
      </span>
      <select
        aria-label="Colours"
        value={schemeName.value}
        onChange={(event) => setScheme(event.currentTarget.value)}
      >
        {SCHEME_NAMES.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      {agent && status === 'running' && mayWrite() && owner === null && (
        <Button
          onClick={() => void attempt('Not taken over', () => requests.takeOver(session.info.peek()))}
          title="Type into the terminal of the agent while the conversation is paused"
        >
          Take over
        </Button>
      )}
      {agent && owner !== null && mayWrite() && (
        <Button
          kind="primary"
          onClick={() => void attempt('Not given back', () => requests.giveBack(session.info.peek()))}
        >
          Give back
        </Button>
      )}
      {!agent && mayWrite() && (
        <Button
          kind="quiet"
          onClick={() =>
            void attempt('Not closed', async () => {
              await requests.close(session.info.peek());
              onClosed();
            })
          }
        >
          Close
        </Button>
      )}
    </div>
  );
}

function TerminalBanner({ session }: { session: TerminalSession }) {
  const state = session.connection.value;
  const missed = session.missed.value;
  const text =
    state === 'waiting' || state === 'connecting'
      ? 'Connecting. The terminal goes on meanwhile.'
      : (session.problem.value ??
        (session.isPaused.value
          ? 'The program waits until this page has shown its output.'
          : missed > 0
            ? `${missed.toLocaleString()} bytes of output were not kept.`
            : undefined));
  if (text === undefined) return null;
  return (
    <p class="terminal-banner" role="status">
      {text}
    </p>
  );
}
