import { signal } from '@preact/signals';
import { SERVER_URL } from '../routing/address.js';
import { whenUnavailable } from '../api/reachability.js';
import { isRecord } from '../api/api-error.js';

const CHECK_MS = 3_000;

/** A server that was started without its settings waits for `POST /api/init`. */
export const initState = signal<{ isWaiting: boolean; error: string | null }>({
  isWaiting: false,
  error: null,
});

/** Another build of the server has answered: its page has other files than this one. */
export const isOutdated = signal(false);

let timer: ReturnType<typeof setTimeout> | undefined;

/** Looks whether the server waits for its settings when it answers 503. Call it once. */
export function watchInitState(): void {
  whenUnavailable(() => void check());
}

async function check(): Promise<void> {
  clearTimeout(timer);
  const body = await answerOf('api/init');
  if (!isRecord(body)) return;
  const isWaiting = body['state'] === 'dormant' || body['state'] === 'initializing';
  initState.value = { isWaiting, error: typeof body['error'] === 'string' ? body['error'] : null };
  if (isWaiting) timer = setTimeout(() => void check(), CHECK_MS);
}

async function answerOf(path: string): Promise<unknown> {
  try {
    const response = await fetch(new URL(path, SERVER_URL));
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}

/** Compares the script of this page with that of the page which the server would answer now. */
export async function lookForOtherBuild(): Promise<void> {
  const own = document.querySelector<HTMLScriptElement>('script[type=module]')?.getAttribute('src');
  if (own === null || own === undefined || isOutdated.peek()) return;
  try {
    const response = await fetch(document.baseURI);
    // A server without a console, or a proxy that has an answer of its own, says nothing.
    if (!response.ok) return;
    const script = /<script type="module" src="([^"]+)"/.exec(await response.text())?.[1];
    if (script !== undefined && script !== own) isOutdated.value = true;
  } catch {
    // It is away again.
  }
}
