import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { isOffline, lastAnswer, reachability } from '../api/reachability.js';
import { Button } from '../ui/button.js';
import { loadServerInfo } from './server-info.js';
import { isOutdated, lookForOtherBuild } from './server-state.js';

const RETRY_MS = 2_000;
/** A restart of a proxy or one lost socket is not worth a message. */
const GRACE_MS = 800;

/**
 * Says that the server is away, and tries to reach it until it answers; says that another version of it has
 * been started. It lies over the page, so that nothing moves while somebody reads.
 */
export function ConnectionBanner() {
  const isAway = reachability.value === 'away';
  const isLate = useSignal(false);
  useEffect(() => {
    if (!isAway) {
      isLate.value = false;
      return undefined;
    }
    void loadServerInfo();
    const grace = setTimeout(() => (isLate.value = true), GRACE_MS);
    const retry = setInterval(() => void loadServerInfo(), RETRY_MS);
    return () => {
      clearTimeout(grace);
      clearInterval(retry);
      // It answers again: perhaps after an update.
      void lookForOtherBuild();
    };
  }, [isAway]);
  return (
    <div class="banners" aria-live="polite">
      {isOffline.value ? (
        <p class="banner">
          This device is offline. <Since />
        </p>
      ) : isLate.value ? (
        <p class="banner">
          The server cannot be reached; trying again. <Since />
        </p>
      ) : (
        isOutdated.value && (
          <p class="banner">
            The server was started in another version.
            <Button onClick={() => location.reload()}>Reload</Button>
            <Button kind="quiet" onClick={() => (isOutdated.value = false)}>
              Later
            </Button>
          </p>
        )
      )}
    </div>
  );
}

const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const dayAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

function Since() {
  const at = new Date(lastAnswer.peek());
  const isToday = at.toDateString() === new Date().toDateString();
  return <>What you see is from {(isToday ? time : dayAndTime).format(at)}.</>;
}
