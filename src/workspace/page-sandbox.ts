import type { IncomingMessage } from 'node:http';

const SHARED = 'allow-downloads allow-forms allow-modals allow-popups allow-popups-to-escape-sandbox';
/** Scripts run, with an origin that is nobody's. */
const ISOLATED = `sandbox allow-scripts ${SHARED}`;
/**
 * The page has the origin of the server, so that browsers send the workspace cookie for its pictures; no
 * script runs.
 */
const STATIC = `sandbox allow-same-origin ${SHARED}`;

const FRAMES = new Set(['iframe', 'frame', 'embed', 'object']);
const SAME_SITE = new Set(['same-origin', 'same-site']);

/**
 * The `Content-Security-Policy` of a file that an agent or a repository has written. Without it, a page of a
 * workspace has the origin of the server: its scripts could call the API, and read what the web UI stores in
 * the browser.
 *
 * The web UI shows pages in frames, without scripts; elsewhere they are isolated. A request without
 * `Sec-Fetch-*` headers, which browsers leave out over plain HTTP to other machines, gets the isolated page.
 */
export function pageSandbox({ headers }: IncomingMessage): string {
  const { 'sec-fetch-dest': destination = '', 'sec-fetch-site': site = '' } = headers;
  return FRAMES.has(destination) && SAME_SITE.has(site) ? STATIC : ISOLATED;
}
