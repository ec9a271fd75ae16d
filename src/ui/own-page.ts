import { createHash } from 'node:crypto';
import type { Response } from 'express';

/** Styles of the server's own pages, in light and dark. */
const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --text: #1b1f27; --line: #e2e5ea;
  --accent: #2457d6; --code: #f1f3f6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101318; --card: #181c23; --text: #e8eaee; --line: #2a303a;
    --accent: #84aaff; --code: #11151b;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: clamp(1.5rem, 7vh, 5rem) 1.25rem 3rem; background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
h1 { margin: 0; font-size: 1.7rem; line-height: 1.2; letter-spacing: -0.02em; }
a { color: var(--accent); text-underline-offset: 0.2em; }
code, pre { font: 0.9rem/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre {
  margin: 0.9rem 0 0; padding: 0.8rem 1rem; overflow-x: auto; border: 1px solid var(--line); border-radius: 0.5rem;
  background: var(--code);
}
nav, article { max-width: 56rem; margin: 0 auto; }
nav { margin-bottom: 1.5rem; font-size: 0.95rem; }
nav a { margin-right: 1.25rem; }
article {
  padding: clamp(1.25rem, 4vw, 2.5rem); border: 1px solid var(--line); border-radius: 0.75rem;
  background: var(--card); overflow-wrap: break-word;
}
article h2 { margin: 2.2rem 0 0.6rem; padding-top: 1.2rem; border-top: 1px solid var(--line); font-size: 1.3rem; }
article h3 { margin: 1.6rem 0 0.4rem; font-size: 1.1rem; }
article :not(pre) > code { padding: 0.1rem 0.3rem; border-radius: 0.3rem; background: var(--code); }
article table { display: block; margin: 1rem 0; overflow-x: auto; border-collapse: collapse; font-size: 0.95rem; }
article th, article td { padding: 0.4rem 0.9rem 0.4rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
article li { margin: 0.25rem 0; }
article img { max-width: 100%; border: 1px solid var(--line); border-radius: 0.5rem; }
`;

const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The mark of the server, as SVG. */
const MARK =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" aria-hidden="true"><rect width="48" height="48" rx="12" ' +
  'fill="#2457d6"/><path d="M14 17l7 7-7 7M25 32h10" fill="none" stroke="#fff" stroke-width="3.5" stroke-linecap="round" ' +
  'stroke-linejoin="round"/></svg>';
/** Without it, browsers request one. */
const ICON = `data:image/svg+xml;base64,${Buffer.from(MARK).toString('base64')}`;

/** An HTML document of this server. It runs no script, and loads only images of this server. */
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
