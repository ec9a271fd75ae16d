import { batch, effect, signal } from '@preact/signals';

const NAME = 'agent-server-console.session-key';

/** The session key that this browser keeps; null if there is none. */
export const sessionKey = signal<string | null>(readKept());

/** Why the server wants a (different) key; null while it is content. */
export const keyProblem = signal<'missing' | 'refused' | null>(null);

/** Uses a key from now on. @param keep also after the browser was closed */
export function useKey(key: string, keep: boolean): void {
  forget();
  try {
    (keep ? localStorage : sessionStorage).setItem(NAME, key);
  } catch {
    // Storage is disabled: the key is valid until the page is left.
  }
  change(key);
}

/** Removes the key from this browser, and all that was read with it from this page. */
export function forgetKey(): void {
  forget();
  location.reload();
}

/** Waits until there is another key than the one that was refused. @throws if the signal aborts */
export function nextKey(refused: string | null, { signal: aborts }: { signal: AbortSignal }): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = effect(() => {
      if (sessionKey.value === null || sessionKey.value === refused) return;
      // The effect is not returned yet when it runs for the first time.
      queueMicrotask(() => stop());
      resolve();
    });
    aborts.addEventListener('abort', () => {
      stop();
      reject(new DOMException('The request was aborted.', 'AbortError'));
    });
  });
}

/** Called when the server answered 401 or closed a socket with 4001. */
export function keyWasRefused(used: string | null): void {
  // Another request may have been answered with a newer key meanwhile.
  if (used === sessionKey.value) keyProblem.value = used === null ? 'missing' : 'refused';
}

/** At once: whoever sends a request when the key changes must not find the problem of the former key. */
function change(key: string | null): void {
  batch(() => {
    sessionKey.value = key;
    if (key !== null) keyProblem.value = null;
  });
}

function forget(): void {
  try {
    localStorage.removeItem(NAME);
    sessionStorage.removeItem(NAME);
  } catch {
    // There is nothing to remove.
  }
}

function readKept(): string | null {
  try {
    return localStorage.getItem(NAME) ?? sessionStorage.getItem(NAME);
  } catch {
    return null;
  }
}

addEventListener('storage', (event) => {
  // Another tab has changed or forgotten it; without a name: all that was stored is gone.
  if (event.key !== NAME && event.key !== null) return;
  change(event.newValue);
});
