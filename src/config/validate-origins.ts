import type { AppConfig } from './app-config.js';
import { describeValue, type ConfigProblem } from './config-error.js';

const EXPECTED = 'an origin like "https://app.example.com", or "*"';

/** Origins that no browser ever sends, as a host without its scheme, would allow nobody and never say so. */
export function validateOrigins(config: AppConfig, sourceOf: (path: string) => string): ConfigProblem[] {
  const origins: unknown = config.allow_cors_origins;
  // What is no list was complained about already.
  if (!Array.isArray(origins)) return [];
  return origins.flatMap((origin: unknown, index) => {
    if (typeof origin !== 'string' || origin.trim() === '' || isOrigin(origin)) return [];
    const path = `allow_cors_origins[${index}]`;
    return [{ path, expected: EXPECTED, found: describeValue(origin, false), source: sourceOf(path) }];
  });
}

function isOrigin(text: string): boolean {
  return text === '*' || text === 'null' || /^[a-z][a-z\d+.-]*:\/\/[^/?#\s]+\/*$/i.test(text);
}
