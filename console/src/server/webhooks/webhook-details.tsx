import { api, call, type Schemas } from '../../api/client.js';
import { useFetched } from '../../api/use-fetched.js';
import { Button } from '../../ui/button.js';
import { Loading } from '../../ui/loading.js';
import { visible } from '../../ui/safe-text.js';
import { Badge, type Tone } from '../../ui/status.js';
import { exactTime, useNow } from '../../ui/time.js';
import { redeliverNow } from './redeliver.js';
import { counted, until, waited } from './webhook-state.js';

const POLL_MS = 3_000;
const TONES: Readonly<Record<Schemas['WebhookLane']['state'], Tone>> = {
  sending: 'running',
  retrying: 'bad',
  waiting: 'waiting',
  elsewhere: 'waiting',
};

/** The lanes of a webhook and its last errors. */
export function WebhookDetails({ id, onChanged }: { id: string; onChanged: () => void }) {
  const { data, error, reload } = useFetched(
    (signal) => call(api.GET('/api/webhooks/{webhook_id}', { params: { path: { webhook_id: id } }, signal })),
    { subject: id, everyMs: POLL_MS },
  );
  if (data === undefined) {
    return error === undefined ? <Loading /> : <p class="field-problem">{error}</p>;
  }
  const { lanes, lanes_total: total, recent_errors: errors } = data;
  const deliver = async (conversation: string): Promise<void> => {
    await redeliverNow(id, { conversation_id: conversation });
    reload();
    onChanged();
  };
  return (
    <div class="webhook-details">
      {lanes.length === 0 ? (
        <p class="soft">Nothing waits: every event and change was delivered.</p>
      ) : (
        <div class="scrolled-table" role="region" aria-label="Lanes" tabIndex={0}>
          <table class="data-table">
            <thead>
              <tr>
                <th scope="col">Conversation</th>
                <th scope="col">State</th>
                <th scope="col" class="number">
                  Waiting
                </th>
                <th scope="col">Oldest</th>
                <th scope="col">Attempts</th>
                <th scope="col">Last error</th>
                <th scope="col">
                  <span class="visually-hidden">Action</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {lanes.map((lane) => (
                <LaneRow
                  key={`${lane.kind} ${lane.conversation_id}`}
                  lane={lane}
                  onDeliver={() => void deliver(lane.conversation_id)}
                />
              ))}
            </tbody>
          </table>
          {total > lanes.length && (
            <p class="soft">
              The {lanes.length} most urgent of {total.toLocaleString()} lanes.
            </p>
          )}
        </div>
      )}
      <h3>Last errors</h3>
      {errors.length === 0 ? (
        <p class="soft">No request has failed since the server started.</p>
      ) : (
        <ul class="webhook-errors">
          {errors.map(({ at, reason, conversation_id, attempt, dropped }, index) => (
            <li key={`${at} ${conversation_id} ${index}`}>
              <time dateTime={at}>{exactTime(at)}</time>
              <span>
                {visible(reason)}, attempt {attempt}
                {dropped && ', given up'}
              </span>
              <ConversationLink id={conversation_id} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function LaneRow({ lane, onDeliver }: { lane: Schemas['WebhookLane']; onDeliver: () => void }) {
  const now = useNow();
  const { conversation_id: id, kind, state, pending, oldest_pending_at: oldest, last_error: failure } = lane;
  return (
    <tr>
      <td>
        <ConversationLink id={id} />
      </td>
      <td>
        <Badge tone={TONES[state]}>{state}</Badge>
      </td>
      <td class="number">{counted(pending, kind === 'events' ? 'event' : 'change')}</td>
      <td>{oldest === null ? '–' : <time title={exactTime(oldest)}>{waited(oldest, now)}</time>}</td>
      <td>
        {lane.failed_attempts === 0 ? '–' : `${lane.failed_attempts} failed`}
        {lane.next_attempt_at !== null && state === 'retrying' && (
          <span class="soft">
            , next <time title={exactTime(lane.next_attempt_at)}>{until(lane.next_attempt_at, now)}</time>
          </span>
        )}
      </td>
      <td>{failure === null ? '–' : visible(failure.reason)}</td>
      <td class="number">
        <Button kind="quiet" aria-label={`Deliver now: ${kind} of conversation ${id}`} onClick={onDeliver}>
          Deliver now
        </Button>
      </td>
    </tr>
  );
}

function ConversationLink({ id }: { id: string }) {
  return (
    <a class="mono" href={`conversations/${id}`} title={id}>
      {id.slice(0, 8)}
    </a>
  );
}
