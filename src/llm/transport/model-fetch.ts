import type { Dispatcher } from 'undici';
import { traceHeaders } from '../../telemetry/index.js';
import { limitAnswer } from './answer-limits.js';
import { followRedirects } from './redirects.js';

const PROXY_VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'];

let dispatcher: Promise<Dispatcher> | undefined;

/**
 * `fetch` for calls to models. Node's own fails if no header arrives within five minutes or a body stalls;
 * here the config and the clock of the attempt limit the time. Proxies are those of the environment
 * (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).
 */
export const modelFetch: typeof fetch = async (input, init) => {
  // The SDKs pass a URL and an init object.
  const first = new Request(input, { ...init, body: undefined });
  const asked = {
    url: first.url,
    method: first.method,
    headers: { ...traceHeaders(), ...Object.fromEntries(first.headers) },
    body: init?.body,
  };
  const answer = await followRedirects(
    asked,
    async ({ url, ...how }) =>
      fetch(url, { ...init, ...how, redirect: 'manual', dispatcher: await modelDispatcher() }),
    ({ status, headers, body }) => ({
      status,
      location: headers.get('location') ?? undefined,
      discard: () => body?.cancel() ?? Promise.resolve(),
    }),
  );
  return limitAnswer(answer);
};

/** The connection pool for calls to models. undici is loaded on first use. */
export function modelDispatcher(): Promise<Dispatcher> {
  return (dispatcher ??= makeDispatcher());
}

async function makeDispatcher(): Promise<Dispatcher> {
  const { Agent, EnvHttpProxyAgent } = await import('undici');
  const limits = { headersTimeout: 0, bodyTimeout: 0 };
  const hasProxy = PROXY_VARIABLES.some((name) => (process.env[name] ?? '') !== '');
  return hasProxy ? new EnvHttpProxyAgent(limits) : new Agent(limits);
}
