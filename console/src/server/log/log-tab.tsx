import { useSignal } from '@preact/signals';
import { api, call, type Schemas } from '../../api/client.js';
import { useFetched } from '../../api/use-fetched.js';
import { setQuery, viewQuery } from '../../routing/address.js';
import { Button } from '../../ui/button.js';
import { EmptyState } from '../../ui/empty-state.js';
import { NotFetched } from '../../ui/not-fetched.js';
import { visible } from '../../ui/safe-text.js';
import { Badge } from '../../ui/status.js';
import { showToast } from '../../ui/toast.js';
import { exactTime } from '../../ui/time.js';

type Line = Schemas['LogLine'];

const POLL_MS = 4_000;
const MAX_LINES = 500;

/** The last warnings and errors of the server, the newest first. */
export function LogTab() {
  const level = viewQuery.value.get('level') === 'error' ? 'error' : 'warn';
  const text = viewQuery.value.get('find') ?? '';
  /** While set, lines that come later are not shown, so that nothing moves while one reads. */
  const heldAt = useSignal<number | undefined>(undefined);
  const { data, error, reload } = useFetched(
    (signal) => call(api.GET('/api/server/log', { params: { query: { level, limit: MAX_LINES } }, signal })),
    { subject: level, everyMs: POLL_MS },
  );
  if (data === undefined)
    return <NotFetched title="The log could not be read" error={error} reload={reload} />;
  const held = heldAt.value;
  const words = text.toLowerCase().split(/\s+/);
  const found = data.items.filter((line) => matches(line, words)).reverse();
  const lines = held === undefined ? found : found.filter(({ seq }) => seq <= held);
  const newer = found.length - lines.length;
  return (
    <div class="page-body log">
      <div class="find-bar">
        <input
          type="search"
          aria-label="Find in the log"
          placeholder="Find in the log"
          value={text}
          onInput={(event) => setQuery({ find: event.currentTarget.value })}
        />
        <select
          aria-label="Level"
          value={level}
          onChange={(event) => setQuery({ level: event.currentTarget.value === 'error' ? 'error' : null })}
        >
          <option value="warn">Warnings and errors</option>
          <option value="error">Errors only</option>
        </select>
        <Button
          aria-pressed={held !== undefined}
          onClick={() => (heldAt.value = held === undefined ? (data.items.at(-1)?.seq ?? 0) : undefined)}
        >
          {held === undefined ? 'Hold' : newer > 0 ? `Go on (${newer} new)` : 'Go on'}
        </Button>
        <Button disabled={lines.length === 0} onClick={() => void copy(lines)}>
          Copy
        </Button>
        <span class="soft" role="status">
          {data.seen === data.kept
            ? `${data.seen.toLocaleString()} since the start`
            : `the last ${data.kept} of ${data.seen.toLocaleString()} since the start`}
        </span>
      </div>
      {error !== undefined && <p class="field-problem">Not up to date: {error}</p>}
      {lines.length === 0 ? (
        <EmptyState title={data.seen === 0 ? 'No warning and no error' : 'Nothing found'}>
          <p>
            {data.seen === 0
              ? 'The server has logged neither since its start. They appear here within seconds.'
              : 'No line has this level and these words.'}
          </p>
        </EmptyState>
      ) : (
        <ol class="log-lines card" aria-label="Warnings and errors, the newest first">
          {lines.map((line) => (
            <LogLine key={line.seq} line={line} />
          ))}
        </ol>
      )}
    </div>
  );
}

function LogLine({ line }: { line: Line }) {
  const { time, level, context, message, stack, conversation_id: conversation, request_id: request } = line;
  return (
    <li>
      <div class="log-head">
        <Badge tone={level === 'warn' ? 'waiting' : 'bad'}>{level === 'warn' ? 'warning' : level}</Badge>
        <time dateTime={time}>{exactTime(time)}</time>
        <span class="soft">{visible(context)}</span>
        {conversation !== null && (
          <a class="mono" href={`conversations/${conversation}`} title={conversation}>
            {conversation.slice(0, 8)}
          </a>
        )}
        {request !== null && (
          <span class="fainter mono" title="Request">
            {visible(request)}
          </span>
        )}
      </div>
      <p class="log-message">{visible(message)}</p>
      {stack !== null && (
        <details>
          <summary>Stack</summary>
          <pre>{visible(stack)}</pre>
        </details>
      )}
    </li>
  );
}

function matches({ message, context, stack, conversation_id }: Line, words: readonly string[]): boolean {
  const text = [message, context, stack, conversation_id].join(' ').toLowerCase();
  return words.every((word) => text.includes(word));
}

async function copy(lines: readonly Line[]): Promise<void> {
  const text = lines
    .map(({ time, level, context, message, stack }) =>
      [`${time} ${level} [${context}] ${message}`, ...(stack === null ? [] : [stack])].join('\n'),
    )
    .join('\n');
  try {
    await navigator.clipboard.writeText(text);
    showToast(`${lines.length} line${lines.length === 1 ? '' : 's'} copied.`);
  } catch {
    showToast('The browser does not let this page copy. Pages need https or localhost for it.', {
      kind: 'error',
    });
  }
}
