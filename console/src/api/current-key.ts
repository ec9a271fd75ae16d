import { effect, signal } from '@preact/signals';
import { api, call, type Schemas } from './client.js';
import { reachability } from './reachability.js';
import { sessionKey } from './session-key.js';

/** The key of this page: what it is called, and what it may do. Undefined until the server has answered. */
export const currentKey = signal<Schemas['CurrentKey'] | undefined>(undefined);

/** Whether settings and keys can be changed. While it is unknown the answer is yes: the server decides. */
export function isAdmin(): boolean {
  return (currentKey.value?.scope ?? 'admin') === 'admin';
}

/** Whether agents can be started and steered. While it is unknown the answer is yes. */
export function mayWrite(): boolean {
  return currentKey.value?.scope !== 'read';
}

/** Whether the key sees the whole server, and not only its own conversations. */
export function seesServer(): boolean {
  return currentKey.value?.reach !== 'own';
}

/** Asks for the key of the page now, and whenever there is another one. Call it once. */
export function watchCurrentKey(): void {
  let known: string | null | undefined;
  effect(() => {
    const key = sessionKey.value;
    if (reachability.value !== 'reached' || known === key) return;
    known = key;
    call(api.GET('/api/keys/current')).then(
      (answer) => {
        currentKey.value = answer;
      },
      () => {
        // The server says so when something is not allowed.
        known = undefined;
      },
    );
  });
}
