import { useEffect } from 'preact/hooks';
import { isOffline, reachability } from '../api/reachability.js';
import { loadServerInfo } from './server-info.js';

const RETRY_MS = 3_000;

/** Says that the server is away; it tries to reach it again until it answers. */
export function ConnectionBanner() {
  const isAway = reachability.value === 'away' || isOffline.value;
  useEffect(() => {
    if (!isAway) return undefined;
    const timer = setInterval(() => void loadServerInfo(), RETRY_MS);
    return () => clearInterval(timer);
  }, [isAway]);
  return (
    <div aria-live="polite">
      {isAway && (
        <p class="banner">
          {isOffline.value
            ? 'This device is offline. What you see may be out of date.'
            : 'The server cannot be reached. Trying again; what you see may be out of date.'}
        </p>
      )}
    </div>
  );
}
