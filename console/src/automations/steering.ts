import { useSignal } from '@preact/signals';
import { messageOf } from '../api/api-error.js';
import { oneLine } from '../ui/safe-text.js';
import { showToast } from '../ui/toast.js';
import { cancelRun, changeAutomation, runNow } from './automation-requests.js';
import type { Automation, Run } from './automation-texts.js';

const MAX_NAME = 60;

/** What a person can do with an automation. */
interface Steering {
  isBusy: boolean;
  run: () => void;
  cancel: (run: Run) => void;
  setEnabled: (enabled: boolean) => void;
}

/** Steers an automation; says what came of it. @param onChanged called after each request */
export function useSteering({ id, name }: Pick<Automation, 'id' | 'name'>, onChanged: () => void): Steering {
  const isBusy = useSignal(false);
  const short = oneLine(name, MAX_NAME);
  const attempt = async (work: () => Promise<unknown>, done: string): Promise<void> => {
    if (isBusy.peek()) return;
    isBusy.value = true;
    try {
      await work();
      showToast(done);
    } catch (error) {
      showToast(`${short}: ${messageOf(error)}`, { kind: 'error' });
    }
    isBusy.value = false;
    onChanged();
  };
  return {
    isBusy: isBusy.value,
    run: () => void attempt(() => runNow(id), `${short} runs.`),
    cancel: (run) => void attempt(() => cancelRun(run.id), `The run of ${short} was cancelled.`),
    setEnabled: (enabled) =>
      void attempt(
        () => changeAutomation(id, { enabled }),
        `${short} is switched ${enabled ? 'on' : 'off'}.`,
      ),
  };
}
