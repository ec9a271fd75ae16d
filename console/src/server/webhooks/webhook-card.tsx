import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { setQuery, viewQuery } from '../../routing/address.js';
import { Button } from '../../ui/button.js';
import { Icon } from '../../ui/icon.js';
import { visible } from '../../ui/safe-text.js';
import { Badge } from '../../ui/status.js';
import { Age, exactTime, useNow } from '../../ui/time.js';
import { RedeliverDialog } from './redeliver-dialog.js';
import { redeliverNow } from './redeliver.js';
import { WebhookDetails } from './webhook-details.js';
import { stateOf, until, waited } from './webhook-state.js';
import type { Webhook } from './webhook-state.js';

/** A webhook: its backlog, its last error, and its lanes when it is opened. */
export function WebhookCard({ webhook, onChanged }: { webhook: Webhook; onChanged: () => void }) {
  const { id, name, url, method, signed } = webhook;
  const isOpen = viewQuery.value.get('webhook') === id;
  const isBusy = useSignal(false);
  const asks = useSignal(false);
  const { tone, label } = stateOf(webhook);
  const deliver = async (): Promise<void> => {
    isBusy.value = true;
    await redeliverNow(id);
    isBusy.value = false;
    onChanged();
  };
  return (
    <section class="webhook card" aria-label={name ?? url}>
      <header>
        <div class="webhook-name">
          <h2>{visible(name ?? url)}</h2>
          <Badge tone={tone}>{label}</Badge>
        </div>
        <div class="webhook-actions">
          <Button
            busy={isBusy.value}
            disabled={webhook.pending_conversations === 0}
            onClick={() => void deliver()}
          >
            Deliver now
          </Button>
          <Button onClick={() => (asks.value = true)}>Deliver again…</Button>
        </div>
      </header>
      <p class="webhook-address">
        {method} {visible(url)}
        {signed && ', signed'}
      </p>
      <WebhookFacts webhook={webhook} />
      {webhook.last_error !== null && tone === 'bad' && (
        <p class="webhook-error">
          Last error at {exactTime(webhook.last_error.at)}: {visible(webhook.last_error.reason)}
        </p>
      )}
      <Button kind="quiet" aria-expanded={isOpen} onClick={() => setQuery({ webhook: isOpen ? null : id })}>
        <Icon name={isOpen ? 'down' : 'right'} />
        Lanes and errors
      </Button>
      {isOpen && <WebhookDetails id={id} onChanged={onChanged} />}
      {asks.value && (
        <RedeliverDialog
          webhook={webhook}
          onClose={() => {
            asks.value = false;
            onChanged();
          }}
        />
      )}
    </section>
  );
}

function WebhookFacts({ webhook }: { webhook: Webhook }) {
  const now = useNow();
  const { oldest_pending_at: oldest, next_attempt_at: next, last_success_at: success } = webhook;
  return (
    <dl class="facts">
      <Fact label="Waiting events">{webhook.pending_events.toLocaleString()}</Fact>
      <Fact label="Waiting changes">{webhook.pending_changes.toLocaleString()}</Fact>
      <Fact label="Oldest">
        {oldest === null ? '–' : <time title={exactTime(oldest)}>{waited(oldest, now)}</time>}
      </Fact>
      <Fact label="In flight">{webhook.requests_in_flight}</Fact>
      <Fact label="Next attempt">
        {next === null ? '–' : <time title={exactTime(next)}>{until(next, now)}</time>}
      </Fact>
      <Fact label="Last delivery">{success === null ? '–' : <Age at={success} />}</Fact>
      <Fact label="Delivered events">{webhook.delivered_events.toLocaleString()}</Fact>
      <Fact label="Failed requests">{webhook.failed_requests.toLocaleString()}</Fact>
      {webhook.dropped_changes > 0 && (
        <Fact label="Changes given up">
          <span class="is-bad">{webhook.dropped_changes.toLocaleString()}</span>
        </Fact>
      )}
    </dl>
  );
}

function Fact({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
