import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { checkKey, type KeyAnswer } from '../api/check-key.js';
import { keyProblem, sessionKey, useKey } from '../api/session-key.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';

/**
 * Asks for the session key when the server wants one. The view behind it stays as it is: its requests wait,
 * and go on with the new key.
 */
export function KeyDialog() {
  if (keyProblem.value === null) return null;
  return (
    <Dialog
      title="Session key"
      // Without any key, what another person has left open is not for everybody.
      opaque={sessionKey.value === null}
    >
      <KeyForm />
    </Dialog>
  );
}

const REFUSED = 'The server refused the key: it is wrong or no longer valid.';
const PROBLEMS: Readonly<Record<Exclude<KeyAnswer, 'accepted'>, string>> = {
  refused: REFUSED,
  tooMany: 'Too many wrong keys. The server accepts another attempt in a minute.',
  away: 'The server cannot be reached. The key was not checked.',
};

function KeyForm() {
  const key = useSignal('');
  const keep = useSignal(true);
  const isBusy = useSignal(false);
  const problem = useSignal(keyProblem.peek() === 'refused' ? REFUSED : '');
  const field = useRef<HTMLInputElement>(null);
  const submit = async (): Promise<void> => {
    const entered = key.value.trim();
    if (entered === '') {
      problem.value = 'Enter the key.';
      field.current?.focus();
      return;
    }
    isBusy.value = true;
    const answer = await checkKey(entered);
    isBusy.value = false;
    if (answer === 'accepted') return useKey(entered, keep.value);
    problem.value = PROBLEMS[answer];
    field.current?.select();
    field.current?.focus();
  };
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <p id="key-help">
        This server answers only requests with its session key: the value of <code>SESSION_API_KEY</code>.
      </p>
      <div class="field">
        <label for="session-key">Key</label>
        <input
          ref={field}
          id="session-key"
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          aria-describedby="key-help key-problem"
          aria-invalid={problem.value !== ''}
          autofocus
          value={key.value}
          onInput={(event) => {
            key.value = event.currentTarget.value;
          }}
        />
        <p id="key-problem" class="field-problem" aria-live="assertive">
          {problem.value}
        </p>
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked={keep.value}
          onChange={(event) => {
            keep.value = event.currentTarget.checked;
          }}
        />
        Keep it in this browser until it is forgotten
      </label>
      <div class="form-actions">
        <Button kind="primary" type="submit" busy={isBusy.value}>
          {isBusy.value ? 'Checking…' : 'Use this key'}
        </Button>
      </div>
    </form>
  );
}
