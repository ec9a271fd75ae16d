import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { showToast } from '../ui/toast.js';
import { messageOf } from '../api/api-error.js';
import { adviceFor } from '../api/error-advice.js';
import { useCommands } from '../ui/shortcuts.js';
import { useRequest } from '../ui/use-request.js';
import type { ConversationRequests } from './conversation-requests.js';

/** What each control does. */
const MEANING = {
  run: 'Lets the agent go on with what is in the conversation',
  pause: 'Ends the run after the current step; a call of the model ends at once',
  interrupt: 'Stops the model and all commands of the current step at once',
};

/** In which states a run can be started. While actions wait, their approval starts it. */
const CAN_RUN = new Set(['idle', 'paused', 'error', 'stuck']);

/** Starts, pauses and interrupts the run. */
export function RunControls({ status, requests }: { status: string; requests: ConversationRequests }) {
  /** What was asked for and has not happened yet. */
  const asked = useSignal<'run' | 'pause' | 'interrupt' | undefined>(undefined);
  const request = useRequest(async (what: 'run' | 'pause' | 'interrupt') => {
    asked.value = what;
    try {
      await requests[what]();
      // A run may have ended before its beginning was seen.
      if (what === 'run') asked.value = undefined;
    } catch (error) {
      asked.value = undefined;
      showToast(`${messageOf(error)} ${adviceFor(error) ?? ''}`, { kind: 'error' });
      throw error;
    }
  });
  useEffect(() => {
    asked.value = undefined;
  }, [status]);
  const isRunning = status === 'running';
  const canRun = CAN_RUN.has(status);
  const start = (what: 'run' | 'pause' | 'interrupt'): void => void request.run(what);
  useCommands([
    ...(canRun ? [{ keys: 'shift+r', label: 'Run', group: 'Conversation', run: () => start('run') }] : []),
    ...(isRunning
      ? [
          {
            keys: 'p',
            label: 'Pause after the current step',
            group: 'Conversation',
            run: () => start('pause'),
          },
          {
            keys: 'shift+i',
            label: 'Interrupt the current step',
            group: 'Conversation',
            run: () => start('interrupt'),
          },
        ]
      : []),
  ]);
  if (isRunning) {
    return (
      <div class="run-controls" role="group" aria-label="Run">
        <Button
          title={`${MEANING.pause} (p)`}
          disabled={asked.value !== undefined}
          aria-busy={asked.value === 'pause'}
          onClick={() => start('pause')}
        >
          <Icon name="pause" />
          {asked.value === 'pause' ? 'Pausing' : 'Pause'}
        </Button>
        <Button
          title={`${MEANING.interrupt} (Shift+I)`}
          disabled={asked.value === 'interrupt'}
          aria-busy={asked.value === 'interrupt'}
          onClick={() => start('interrupt')}
        >
          <Icon name="stop" />
          {asked.value === 'interrupt' ? 'Interrupting' : 'Interrupt'}
        </Button>
      </div>
    );
  }
  // After a failure, what it says has the button.
  if (!canRun || status === 'error' || status === 'stuck') return null;
  return (
    <div class="run-controls" role="group" aria-label="Run">
      <Button title={`${MEANING.run} (Shift+R)`} busy={asked.value === 'run'} onClick={() => start('run')}>
        <Icon name="play" />
        {status === 'paused' ? 'Resume' : 'Run'}
      </Button>
    </div>
  );
}
