import { signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { visible } from '../ui/safe-text.js';
import { refuse } from './actions.js';
import type { Summary } from './summary-store.js';
import { titleOf } from './texts.js';

/** The conversation whose action is about to be refused; null: none. */
export const refusing = signal<Summary | null>(null);

/** Asks for the reason of a refusal, which the agent reads. */
export function RefuseDialog() {
  return refusing.value === null ? null : <Opened summary={refusing.value} />;
}

function Opened({ summary }: { summary: Summary }) {
  const reason = useSignal('');
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const close = (): void => {
    refusing.value = null;
  };
  return (
    <Dialog title={`Refuse: ${titleOf(summary)}`} onClose={close}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          close();
          void refuse(summary, reason.value.trim());
        }}
      >
        {summary.reason !== null && <code class="home-refused-action">{visible(summary.reason)}</code>}
        <label class="field">
          <span>Reason for the agent (optional)</span>
          <input
            type="text"
            ref={field}
            maxLength={2000}
            value={reason.value}
            onInput={(event) => {
              reason.value = event.currentTarget.value;
            }}
          />
        </label>
        <div class="form-actions">
          <Button onClick={close}>Cancel</Button>
          <Button type="submit" kind="primary">
            Refuse
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
