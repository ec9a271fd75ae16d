import { readlink } from 'node:fs/promises';
import path from 'node:path';

/** The most links that are followed, as on Linux. */
const MAX_LINKS = 40;

/**
 * Where a path leads of which a part is missing: an absolute path, with the links followed that exist. Only
 * for deciding what to tell about it, because links may change meanwhile.
 */
export async function whereMissing(file: string): Promise<string> {
  const rest = partsOf(file);
  let at = '/';
  for (let links = 0; rest.length > 0;) {
    const name = rest.shift() ?? '';
    const next = path.join(at, name);
    const target = links < MAX_LINKS ? await readlink(next).catch(() => undefined) : undefined;
    if (target === undefined) {
      at = next;
    } else {
      links += 1;
      if (path.isAbsolute(target)) at = '/';
      rest.unshift(...partsOf(target));
    }
  }
  return at;
}

function partsOf(file: string): string[] {
  return file.split('/').filter((part) => part !== '' && part !== '.');
}
