import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { mayWrite } from '../api/current-key.js';
import { useFetched } from '../api/use-fetched.js';
import { Button } from '../ui/button.js';
import { RequestProblem } from '../ui/request-problem.js';
import { useRequest } from '../ui/use-request.js';
import type { ConversationRequests } from './conversation-requests.js';

/** How often a run that waits is looked at (ms). */
const EVERY_MS = 2_000;

/** Says that the run of the conversation waits for a free slot, and offers to cancel it. */
export function QueueNotice({ status, requests }: { status: string; requests: ConversationRequests }) {
  const isWaiting = useSignal(false);
  const subject = `${requests.id} ${status} ${requests.asked.value}`;
  const everyMs = isWaiting.value ? EVERY_MS : undefined;
  const { data: place, reload } = useFetched(() => requests.queuedRun(), { subject, everyMs });
  const cancel = useRequest(async () => {
    await requests.cancelQueued();
    reload();
  });
  useEffect(() => {
    isWaiting.value = place !== undefined && place !== null;
  }, [place]);
  if (!place || status === 'running') return null;
  const what = place.waits_for === 'key' ? 'another run of its key' : 'a free slot';
  return (
    <>
      <section class="conversation-notice" aria-label="Run that waits" role="status">
        <span>
          The run waits for {what}
          {place.place !== null &&
            (place.place === 1 ? '. It is the next one.' : `, at place ${place.place}.`)}
        </span>
        {mayWrite() && (
          <Button kind="quiet" busy={cancel.isBusy} onClick={() => void cancel.run()}>
            Cancel the run
          </Button>
        )}
      </section>
      <RequestProblem problem={cancel.problem} />
    </>
  );
}
