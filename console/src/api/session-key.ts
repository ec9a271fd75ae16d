import { signal } from '@preact/signals';

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
  sessionKey.value = key;
  keyProblem.value = null;
}

/** Removes the key from this browser. */
export function forgetKey(): void {
  forget();
  sessionKey.value = null;
  keyProblem.value = 'missing';
}

/** Called when the server answered 401 or closed a socket with 4001. */
export function keyWasRefused(used: string | null): void {
  // Another request may have been answered with a newer key meanwhile.
  if (used === sessionKey.value) keyProblem.value = used === null ? 'missing' : 'refused';
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
  // Another tab has changed or forgotten it.
  if (event.key !== NAME) return;
  sessionKey.value = event.newValue;
  keyProblem.value = event.newValue === null ? 'missing' : null;
});
