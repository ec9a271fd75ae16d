import { useSignal } from '@preact/signals';
import { keyProblem, useKey } from '../api/session-key.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';

/** Asks for the session key when the server wants one. */
export function KeyDialog() {
  const key = useSignal('');
  const keep = useSignal(true);
  if (keyProblem.value === null) return null;
  const wasRefused = keyProblem.value === 'refused';
  return (
    <Dialog title="Session key" onClose={() => undefined}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (key.value.trim() === '') return;
          useKey(key.value.trim(), keep.value);
          key.value = '';
        }}
      >
        <p id="key-help">
          {wasRefused
            ? 'The server refused the key: it is wrong or no longer valid.'
            : 'This server answers only requests with its session key (SESSION_API_KEY).'}
        </p>
        <label class="field">
          <span>Key</span>
          <input
            type="password"
            autocomplete="current-password"
            aria-describedby="key-help"
            aria-invalid={wasRefused}
            autofocus
            value={key.value}
            onInput={(event) => {
              key.value = event.currentTarget.value;
            }}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={keep.value}
            onChange={(event) => {
              keep.value = event.currentTarget.checked;
            }}
          />
          Keep it in this browser
        </label>
        <div class="form-actions">
          <Button kind="primary" type="submit">
            Use this key
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
