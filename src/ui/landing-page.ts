import type { NextFunction, Request, Response } from 'express';
import { prefersPage } from './navigation.js';
import { escapeHtml, MARK, ownPage, sendOwnPage } from './own-page.js';

/** What the page says about the server. */
export interface LandingFacts {
  version: string;
  /** Version of the original whose API is spoken. */
  apiVersion: string;
  /** How a person fetches the web UI. */
  fetchCommand: string;
  /** Clients have to send a session key. */
  needsKey: boolean;
  /** The guides are served. */
  hasGuides: boolean;
}

/**
 * The page at `/` of a server without a web UI, for browsers only: it says what runs here and where to go.
 * Other clients get the answer of the route.
 */
export class LandingPage {
  private readonly html: string;

  constructor(facts: LandingFacts) {
    this.html = ownPage('OpenHands Agent Server', body(facts));
  }

  /** Middleware before the routes. */
  readonly beforeRoutes = (request: Request, response: Response, next: NextFunction): void => {
    if (request.path !== '/' || !prefersPage(request)) return next();
    response.vary('Accept');
    sendOwnPage(response, this.html);
  };
}

/** Links are relative, so that the page works below a path prefix of a proxy. */
function body({ version, apiVersion, fetchCommand, needsKey, hasGuides }: LandingFacts): string {
  const key = needsKey
    ? 'Requests to the API need the session key of this server.'
    : 'This server needs no session key.';
  const guides = hasGuides
    ? `<h2><a href="guides/docs/README.md">Guides</a></h2>
<p>How to use it, write a client for it, and operate it. <a href="guides/README.md">The README</a> shows a first
conversation.</p>`
    : `<h2>Guides</h2>
<p>Start with <code>README.md</code> in the folder of the server.</p>`;
  return `<main>
<header>
${MARK}
<div>
<h1>OpenHands Agent Server</h1>
<p class="facts"><b>Running</b>Version ${escapeHtml(version)} &middot; TypeScript &middot; API ${escapeHtml(apiVersion)}</p>
</div>
</header>
<p class="lead">This server runs AI coding agents. Programs start, watch and steer them over REST and WebSocket;
people do it in the web UI.</p>
<section>
<h2>Web UI</h2>
<p>This server has none yet. In the folder of the server, run this once and start the server again. The UI is then
on this page.</p>
<pre><code>${escapeHtml(fetchCommand)}</code></pre>
</section>
<div class="pair">
<section>
<h2><a href="docs">API document</a></h2>
<p>Every request and answer, to read and to try. ${key}</p>
</section>
<section>
${guides}
</section>
</div>
</main>
<footer>
<a href="openapi.json">openapi.json</a><a href="server_info">server_info</a><a href="health">health</a>
</footer>`;
}
