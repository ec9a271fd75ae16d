import { createHash } from 'node:crypto';
import type { Response } from 'express';

/** Styles of the server's own pages, in light and dark. */
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
main, footer, nav { max-width: 46rem; margin: 0 auto; }
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
section h2 { margin: 0; font-size: 1.05rem; }
section p { margin: 0.3rem 0 0; color: var(--soft); }
a { color: var(--accent); text-underline-offset: 0.2em; }
section h2 a { text-decoration: none; }
section h2 a:hover, section h2 a:focus { text-decoration: underline; }
code, pre { font: 0.9rem/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre {
  margin: 0.9rem 0 0; padding: 0.8rem 1rem; overflow-x: auto; border: 1px solid var(--line); border-radius: 0.5rem;
  background: var(--code);
}
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 1rem; margin-top: 1rem; }
.pair section { margin: 0; }
footer { margin-top: 1.75rem; color: var(--soft); font-size: 0.9rem; }
footer a { margin-right: 1.25rem; }
nav, article { max-width: 56rem; }
nav { margin-bottom: 1.5rem; font-size: 0.95rem; }
nav a { margin-right: 1.25rem; }
article {
  margin: 0 auto; padding: clamp(1.25rem, 4vw, 2.5rem); border: 1px solid var(--line); border-radius: 0.75rem;
  background: var(--card); overflow-wrap: break-word;
}
article h2 { margin: 2.2rem 0 0.6rem; padding-top: 1.2rem; border-top: 1px solid var(--line); font-size: 1.3rem; }
article h3 { margin: 1.6rem 0 0.4rem; font-size: 1.1rem; }
article :not(pre) > code { padding: 0.1rem 0.3rem; border-radius: 0.3rem; background: var(--code); }
article table { display: block; margin: 1rem 0; overflow-x: auto; border-collapse: collapse; font-size: 0.95rem; }
article th, article td { padding: 0.4rem 0.9rem 0.4rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
article li { margin: 0.25rem 0; }
`;

const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The mark of the server, as SVG. */
export const MARK =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" aria-hidden="true"><rect width="48" height="48" rx="12" ' +
  'fill="#2457d6"/><path d="M14 17l7 7-7 7M25 32h10" fill="none" stroke="#fff" stroke-width="3.5" stroke-linecap="round" ' +
  'stroke-linejoin="round"/></svg>';
/** Without it, browsers request one. */
const ICON = `data:image/svg+xml;base64,${Buffer.from(MARK).toString('base64')}`;

/** An HTML document of this server. It runs no script and loads nothing. */
export function ownPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="${ICON}">
<style>${STYLE}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

/** Answers with a page of `ownPage`. */
export function sendOwnPage(response: Response, html: string): void {
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Content-Security-Policy', POLICY);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.type('html').send(html);
}

/** A text as HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
