import { useSignal } from '@preact/signals';
import { Button } from '../ui/button.js';
import { EmptyState } from '../ui/empty-state.js';
import { startExample } from './actions.js';

/** What a new server shows: what this page is for, and a first conversation that needs no API key. */
export function FirstConversation() {
  const isStarting = useSignal(false);
  return (
    <EmptyState title="No conversations yet">
      <p>
        Each conversation is an agent at work in a folder. This page shows which of them wait for you, what
        the others do, and what they cost. It changes by itself.
      </p>
      <p>
        The example needs no API key: a scripted model inside the server plays the lines of a message, and
        asks before it runs each command.
      </p>
      <div class="form-actions">
        <Button
          kind="primary"
          busy={isStarting.value}
          onClick={() => {
            isStarting.value = true;
            void startExample().finally(() => {
              isStarting.value = false;
            });
          }}
        >
          Start an example
        </Button>
        <a class="button" href="new">
          New conversation
        </a>
      </div>
    </EmptyState>
  );
}
