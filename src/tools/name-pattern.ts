import { runInNewContext } from 'node:vm';

/** How long all names together may be looked at (ms): a pattern that goes on for ever must not stop the server. */
const LIMIT_MS = 200;

/**
 * Which names a pattern fits. A leading `(?i)`, as other languages write it, ignores case.
 * @param whole the whole name has to fit, not only its beginning
 * @returns undefined when it is no regular expression, or one that does not come to an end
 */
export function fitting(pattern: string, names: readonly string[], whole: boolean): string[] | undefined {
  const [, ignoreCase, source = ''] = /^(\(\?i\))?(.*)$/s.exec(pattern) ?? [];
  const anchored = whole ? `^(?:${source})$` : `^(?:${source})`;
  const script = 'const it = new RegExp(anchored, flags); names.filter((name) => it.test(name)).join("\\n")';
  try {
    const found: unknown = runInNewContext(
      script,
      { anchored, flags: ignoreCase === undefined ? '' : 'i', names: [...names] },
      { timeout: LIMIT_MS },
    );
    const fit = new Set(String(found).split('\n'));
    return names.filter((name) => fit.has(name));
  } catch {
    return undefined;
  }
}
