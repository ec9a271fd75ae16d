import { createHash } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';
import { prefersPage } from './navigation.js';

/** What the page says about the server. */
export interface LandingFacts {
  version: string;
  /** Version of the original whose API is spoken. */
  apiVersion: string;
  /** How a person fetches the web UI. */
  fetchCommand: string;
  /** Clients have to send a session key. */
  needsKey: boolean;
}

/**
 * The page at `/` of a server without a web UI, for browsers only: it says what runs here and where to go.
 * Other clients get the answer of the route. The page runs no script and loads nothing.
 */
export class LandingPage {
  private readonly html: string;

  constructor(facts: LandingFacts) {
    this.html = landingPage(facts);
  }

  /** Middleware before the routes. */
  readonly beforeRoutes = (request: Request, response: Response, next: NextFunction): void => {
    if (request.path !== '/' || !prefersPage(request)) return next();
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('Content-Security-Policy', POLICY);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Referrer-Policy', 'no-referrer');
    response.vary('Accept');
    response.type('html').send(this.html);
  };
}

const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --text: #1b1f27; --soft: #5c6470; --line: #e2e5ea;
  --accent: #2457d6; --code: #f1f3f6; --on: #14804a; --on-soft: #e3f5ea;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101318; --card: #181c23; --text: #e8eaee; --soft: #9aa3b0; --line: #2a303a;
    --accent: #84aaff; --code: #11151b; --on: #5fd497; --on-soft: #17301f;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: clamp(1.5rem, 7vh, 5rem) 1.25rem 3rem; background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
main, footer { max-width: 46rem; margin: 0 auto; }
header { display: flex; align-items: center; gap: 1rem; }
header svg { flex: none; width: 3.25rem; height: 3.25rem; }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.2; letter-spacing: -0.02em; }
.facts { margin: 0.35rem 0 0; color: var(--soft); font-size: 0.95rem; }
.facts b {
  margin-right: 0.5rem; padding: 0.1rem 0.6rem; border-radius: 1rem; background: var(--on-soft); color: var(--on);
  font-size: 0.85rem; font-weight: 600;
}
.lead { margin: 1.75rem 0; font-size: 1.1rem; }
section {
  margin-top: 1rem; padding: 1.25rem 1.5rem; border: 1px solid var(--line); border-radius: 0.75rem; background: var(--card);
}
h2 { margin: 0; font-size: 1.05rem; }
section p { margin: 0.3rem 0 0; color: var(--soft); }
section p + p { margin-top: 0.75rem; }
a { color: var(--accent); text-underline-offset: 0.2em; }
h2 a { text-decoration: none; }
h2 a:hover, h2 a:focus { text-decoration: underline; }
code, pre { font: 0.9rem/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre {
  margin: 0.9rem 0 0; padding: 0.8rem 1rem; overflow-x: auto; border: 1px solid var(--line); border-radius: 0.5rem;
  background: var(--code);
}
pre i { color: var(--soft); font-style: normal; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 1rem; margin-top: 1rem; }
.pair section { margin: 0; }
footer { margin-top: 1.75rem; color: var(--soft); font-size: 0.9rem; }
footer a { margin-right: 1.25rem; }
`;

const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const MARK = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48" rx="12" fill="#2457d6"/><path d="M14 17l7 7-7 7M25 32h10" fill="none" stroke="#fff" stroke-width="3.5" stroke-linecap="round" stroke-linejoin="round"/></svg>`;
/** Without it, browsers request one. */
const ICON = `data:image/svg+xml;base64,${Buffer.from(MARK).toString('base64')}`;

/** Links are relative, so that the page works below a path prefix of a proxy. */
function landingPage({ version, apiVersion, fetchCommand, needsKey }: LandingFacts): string {
  const key = needsKey
    ? 'Requests to the API need the session key of this server.'
    : 'This server needs no session key.';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>OpenHands Agent Server</title>
<link rel="icon" href="${ICON}">
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
${MARK.replace('<svg ', '<svg aria-hidden="true" ')}
<div>
<h1>OpenHands Agent Server</h1>
<p class="facts"><b>Running</b>Version ${escaped(version)} &middot; TypeScript &middot; API ${escaped(apiVersion)}</p>
</div>
</header>
<p class="lead">This server runs AI coding agents. Programs start, watch and steer them over REST and WebSocket;
people do it in the web UI.</p>
<section>
<h2>Web UI</h2>
<p>This server has none yet. In the folder of the server, run this once and start the server again. The UI is then
on this page.</p>
<pre><code>${escaped(fetchCommand)}</code></pre>
</section>
<div class="pair">
<section>
<h2><a href="docs">API document</a></h2>
<p>Every request and answer, to read and to try. ${key}</p>
</section>
<section>
<h2>Guides</h2>
<p>Start with <code>README.md</code> in the folder of the server. <code>docs/README.md</code> lists all guides.</p>
</section>
</div>
</main>
<footer>
<a href="openapi.json">openapi.json</a><a href="server_info">server_info</a><a href="health">health</a>
</footer>
</body>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
