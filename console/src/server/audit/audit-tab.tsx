import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, call, type Schemas } from '../../api/client.js';
import { messageOf } from '../../api/api-error.js';
import { useFetched } from '../../api/use-fetched.js';
import { setQuery, viewQuery } from '../../routing/address.js';
import { Button } from '../../ui/button.js';
import { EmptyState } from '../../ui/empty-state.js';
import { NotFetched } from '../../ui/not-fetched.js';
import { visible } from '../../ui/safe-text.js';
import { Badge, type Tone } from '../../ui/status.js';
import { duration, exactTime } from '../../ui/time.js';
import { operationText } from './operation-text.js';

type Entry = Schemas['AuditEntry'];
type Outcome = Entry['outcome'];

const PAGE = 50;
const POLL_MS = 10_000;
const OUTCOMES: readonly Outcome[] = ['done', 'refused', 'failed'];
const TONES: Readonly<Record<Outcome, Tone>> = { done: 'good', refused: 'waiting', failed: 'bad' };

/** Who has changed what, the newest first. */
export function AuditTab() {
  const key = viewQuery.value.get('key') ?? '';
  const operation = viewQuery.value.get('operation') ?? '';
  const conversation = viewQuery.value.get('conversation') ?? '';
  const outcome = OUTCOMES.find((it) => it === viewQuery.value.get('outcome'));
  const query = {
    key: key || null,
    operation: operation || null,
    conversation_id: conversation || null,
    outcome: outcome ?? null,
    limit: PAGE,
  };
  const subject = JSON.stringify(query);
  const { data, error, reload } = useFetched(
    (signal) => call(api.GET('/api/audit', { params: { query }, signal })),
    { subject, everyMs: POLL_MS },
  );
  const older = useOlder(subject);
  const isFiltered = viewQuery.value.size > 0;
  if (data === undefined && error === undefined)
    return <NotFetched title="" error={undefined} reload={reload} />;
  const fresh = data?.items ?? [];
  const known = new Set(older.items.value.map(({ id }) => id));
  const entries = [...fresh.filter(({ id }) => !known.has(id)), ...older.items.value];
  const next = older.next.value === undefined ? (data?.next_page_id ?? null) : older.next.value;
  return (
    <div class="page-body audit">
      <div class="find-bar">
        <input
          type="search"
          aria-label="Key"
          placeholder="Key"
          value={key}
          onChange={(event) => setQuery({ key: event.currentTarget.value })}
        />
        <input
          type="search"
          aria-label="Operation"
          placeholder="Operation"
          value={operation}
          onInput={(event) => setQuery({ operation: event.currentTarget.value })}
        />
        <input
          type="search"
          aria-label="Conversation"
          placeholder="Id of a conversation"
          value={conversation}
          onChange={(event) => setQuery({ conversation: event.currentTarget.value.trim() })}
        />
        <select
          aria-label="Outcome"
          value={outcome ?? ''}
          onChange={(event) => setQuery({ outcome: event.currentTarget.value })}
        >
          <option value="">Every outcome</option>
          {OUTCOMES.map((it) => (
            <option key={it} value={it}>
              {it.charAt(0).toUpperCase() + it.slice(1)}
            </option>
          ))}
        </select>
      </div>
      {error !== undefined && <p class="field-problem">Not up to date: {error}</p>}
      {entries.length === 0 ? (
        <EmptyState title={isFiltered ? 'Nothing found' : 'Nothing was changed yet'}>
          <p>
            {isFiltered
              ? 'No entry matches. Older ones may: the log is searched from the newest on.'
              : 'What changes something appears here, with the key, the address and the outcome, and keys that were refused.'}
          </p>
        </EmptyState>
      ) : (
        <div class="card scrolled-table audit-table" tabIndex={0} role="region" aria-label="Audit log">
          <table class="data-table">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Outcome</th>
                <th scope="col">What</th>
                <th scope="col">Key</th>
                <th scope="col">From</th>
                <th scope="col">Conversation</th>
                <th scope="col" class="number">
                  Took
                </th>
              </tr>
            </thead>
            <tbody>
              {entries.map((entry) => (
                <Row key={entry.id} entry={entry} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {older.problem.value !== undefined && <p class="field-problem">{older.problem.value}</p>}
      {next !== null && (
        <div>
          <Button
            busy={older.isBusy.value}
            onClick={() => void older.load({ ...query, page_id: next }, fresh)}
          >
            Show older ones
          </Button>
        </div>
      )}
    </div>
  );
}

function Row({ entry }: { entry: Entry }) {
  const { time, outcome, status, operation, key_name: name, key_id: id, address, count } = entry;
  const { conversation_id: conversation } = entry;
  return (
    <tr>
      <td>
        <time dateTime={time}>{exactTime(time)}</time>
      </td>
      <td title={status === null ? 'The client left before the answer' : `HTTP ${status}`}>
        <Badge tone={TONES[outcome]}>{outcome}</Badge>
        {count > 1 && <span class="soft"> {count.toLocaleString()} times</span>}
      </td>
      <td title={operation}>{operationText(operation)}</td>
      <td>
        {name === null ? (
          <span class="fainter">no valid key</span>
        ) : (
          <a href={`server/audit?key=${encodeURIComponent(id ?? name)}`}>{visible(name)}</a>
        )}
      </td>
      <td class="mono">{visible(address ?? '')}</td>
      <td>
        {conversation !== null && (
          <a class="mono" href={`conversations/${conversation}`} title={conversation}>
            {conversation.slice(0, 8)}
          </a>
        )}
      </td>
      <td class="number">{duration(entry.duration_ms)}</td>
    </tr>
  );
}

/** The pages after the first one, which is fetched again and again. They are forgotten with the filter. */
function useOlder(subject: string) {
  const items = useSignal<readonly Entry[]>([]);
  /** Undefined: no further page was asked for. */
  const next = useSignal<string | null | undefined>(undefined);
  const isBusy = useSignal(false);
  const problem = useSignal<string | undefined>(undefined);
  useEffect(() => {
    items.value = [];
    next.value = undefined;
    problem.value = undefined;
  }, [subject]);
  const load = async (query: AuditQuery, shown: readonly Entry[]): Promise<void> => {
    isBusy.value = true;
    problem.value = undefined;
    try {
      const page = await call(api.GET('/api/audit', { params: { query } }));
      // The first page moves on: what it shows now stays where it is.
      const before = items.value.length === 0 ? shown : items.value;
      items.value = [...before, ...page.items];
      next.value = page.next_page_id;
    } catch (error) {
      problem.value = messageOf(error);
    } finally {
      isBusy.value = false;
    }
  };
  return { items, next, isBusy, problem, load };
}

interface AuditQuery {
  key: string | null;
  operation: string | null;
  conversation_id: string | null;
  outcome: Outcome | null;
  limit: number;
  page_id: string;
}
