import { useSignal } from '@preact/signals';
import { ApiError, messageOf } from '../../api/api-error.js';
import { Button } from '../../ui/button.js';
import { Dialog } from '../../ui/dialog.js';
import { TextField } from '../../ui/field.js';
import { redeliver } from './redeliver.js';
import type { Webhook } from './webhook-state.js';

/** Asks from which event on a conversation is to be delivered again. */
export function RedeliverDialog({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const conversation = useSignal('');
  const event = useSignal('');
  const problem = useSignal<{ field: 'conversation' | 'event' | 'other'; text: string } | undefined>(
    undefined,
  );
  const isBusy = useSignal(false);
  const submit = async (): Promise<void> => {
    problem.value = undefined;
    isBusy.value = true;
    try {
      await redeliver(webhook.id, {
        conversation_id: conversation.value.trim(),
        from_event_id: event.value.trim(),
      });
      onClose();
    } catch (error) {
      problem.value = { field: fieldOf(error), text: messageOf(error) };
    }
    isBusy.value = false;
  };
  const problemOf = (field: string): string | undefined =>
    problem.value?.field === field ? problem.value.text : undefined;
  return (
    <Dialog title={`Deliver again to ${webhook.name ?? webhook.url}`} onClose={onClose}>
      <form
        class="form"
        onSubmit={(submitted) => {
          submitted.preventDefault();
          void submit();
        }}
      >
        <p class="soft">
          All events from the given one on are delivered again, in order. Receivers that have kept them see
          each a second time, with the same ids.
        </p>
        <TextField
          label="Conversation"
          help="Its id: the last part of its address."
          placeholder="3f2c8f0e-5a4b-4c1d-9e6f-7a8b9c0d1e2f"
          required
          autofocus
          value={conversation.value}
          problem={problemOf('conversation')}
          onValue={(value) => (conversation.value = value)}
        />
        <TextField
          label="First event"
          help="Its id, as in the conversation and in deliveries."
          required
          value={event.value}
          problem={problemOf('event')}
          onValue={(value) => (event.value = value)}
        />
        {problemOf('other') !== undefined && (
          <p class="field-problem" role="alert">
            {problemOf('other')}
          </p>
        )}
        <div class="form-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={isBusy.value}>
            Deliver again
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** The field that an error is about. */
function fieldOf(error: unknown): 'conversation' | 'event' | 'other' {
  if (!(error instanceof ApiError)) return 'other';
  const paths = error.fields.map(({ path }) => path);
  if (paths.includes('conversation_id')) return 'conversation';
  if (paths.includes('from_event_id') || error.message.includes('from_event_id')) return 'event';
  return error.status === 404 || error.message.includes('conversation') ? 'conversation' : 'other';
}
