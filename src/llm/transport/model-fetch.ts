import type { Dispatcher } from 'undici';
import { boundedAnswer } from './bounded-answer.js';
import { follow } from './redirection.js';

const PROXY_VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'];

let dispatcher: Promise<Dispatcher> | undefined;

/**
 * `fetch` for calls to models. Node's own gives up when no header has come for five minutes, or nothing of a
 * body: how long an answer may take is in the config, and the clock of the attempt watches over it. Proxies
 * are those of the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).
 */
export const modelFetch: typeof fetch = async (input, init) => {
  // The SDKs give an address, and what they send beside it.
  const first = new Request(input, { ...init, body: undefined });
  const asked = {
    url: first.url,
    method: first.method,
    headers: Object.fromEntries(first.headers),
    body: init?.body,
  };
  const answer = await follow(
    asked,
    async ({ url, ...how }) =>
      fetch(url, { ...init, ...how, redirect: 'manual', dispatcher: await modelDispatcher() }),
    ({ status, headers, body }) => ({
      status,
      location: headers.get('location') ?? undefined,
      discard: () => body?.cancel() ?? Promise.resolve(),
    }),
  );
  return boundedAnswer(answer);
};

/**
 * The connections to models. undici is loaded when they are first needed; the bundle has no more of it than
 * is used here.
 */
export function modelDispatcher(): Promise<Dispatcher> {
  return (dispatcher ??= makeDispatcher());
}

async function makeDispatcher(): Promise<Dispatcher> {
  const { Agent, EnvHttpProxyAgent } = await import('undici');
  const limits = { headersTimeout: 0, bodyTimeout: 0 };
  const hasProxy = PROXY_VARIABLES.some((name) => (process.env[name] ?? '') !== '');
  return hasProxy ? new EnvHttpProxyAgent(limits) : new Agent(limits);
}
