import { originInUrl, parseWrittenOrigin } from '../text/index.js';
import type { AppConfig } from './app-config.js';
import { describeValue, type ConfigProblem } from './config-error.js';

const EXPECTED = 'an origin like "https://app.example.com", or "*"';

type SourceOf = (path: string) => string;

/**
 * Reports origins that browsers never send, such as a host without a scheme: they would silently allow
 * nobody.
 */
export function validateOrigins(config: AppConfig, sourceOf: SourceOf): ConfigProblem[] {
  const origins: unknown = config.allow_cors_origins;
  // Other types are already reported.
  if (!Array.isArray(origins)) return [];
  return origins.flatMap((origin: unknown, index) => {
    if (typeof origin !== 'string' || origin.trim() === '' || isOrigin(origin)) return [];
    const path = `allow_cors_origins[${index}]`;
    return [{ path, expected: EXPECTED, found: describeValue(origin, false), source: sourceOf(path) }];
  });
}

/** The web UI needs another origin than the back ends: that origin serves nothing but them. */
export function validateIngress(config: AppConfig, sourceOf: SourceOf): ConfigProblem[] {
  const path = 'app_backend_public_url';
  const { web_url: webUrl, [path]: ingress }: Record<'web_url' | typeof path, unknown> = config;
  if (typeof webUrl !== 'string' || typeof ingress !== 'string') return [];
  const host = originInUrl(ingress)?.host;
  if (host === undefined || host !== originInUrl(webUrl)?.host) return [];
  const expected = 'another host or port than web_url';
  return [{ path, expected, found: describeValue(ingress, false), source: sourceOf(path) }];
}

function isOrigin(text: string): boolean {
  const written = text.trim();
  return written === '*' || written === 'null' || parseWrittenOrigin(written) !== undefined;
}
