import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { AppConfig } from './app-config.js';
import { WebhookConfig } from './config-sections.js';
import type { ConfigProblem } from './config-error.js';

/** Checks webhooks beyond their single fields. */
export function validateWebhooks(config: AppConfig, sourceOf: (path: string) => string): ConfigProblem[] {
  if (!Array.isArray(config.webhooks)) return [];
  const names = new Set<string>();
  return config.webhooks.flatMap((hook, index) => {
    // Other types are already reported.
    if (!(hook instanceof WebhookConfig)) return [];
    const at = `webhooks[${index}]`;
    const problem = (path: string, expected: string, found: string): ConfigProblem[] => [
      { path, expected, found, source: sourceOf(path) },
    ];
    const problems: ConfigProblem[] = [];
    if (hook.base_url === null && hook.webhook_url === null)
      problems.push(...problem(at, 'a base_url', 'none'));
    if (typeof hook.name === 'string') {
      if (names.has(hook.name))
        problems.push(...problem(`${at}.name`, 'a name of its own', 'one that is taken'));
      names.add(hook.name);
    }
    if (typeof hook.secret === 'string' && !isSigningSecret(hook.secret)) {
      problems.push(
        ...problem(`${at}.secret`, 'base64 of 24 to 64 bytes, whsec_ before it or not', 'another text'),
      );
    }
    const broken = brokenHeader(hook.headers);
    if (broken !== undefined) {
      problems.push(...problem(`${at}.headers`, 'names and values that HTTP allows', `not so: ${broken}`));
    }
    return problems;
  });
}

function isSigningSecret(secret: string): boolean {
  const base64 = secret.replace(/^whsec_/, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return false;
  const bytes = Buffer.from(base64, 'base64').length;
  return bytes >= 24 && bytes <= 64;
}

/** The name of the first header that HTTP does not allow; its value is secret. */
function brokenHeader(headers: unknown): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  return Object.entries(headers).find(([name, value]) => {
    // Values of other types are already reported.
    if (typeof value !== 'string') return false;
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
      return false;
    } catch {
      return true;
    }
  })?.[0];
}
