import type { GitBounds } from './git-bounds.js';
import { Repository } from './repository.js';

/** Contents that are asked for at once (bytes, number). */
const MAX_BATCH_BYTES = 8 * 1024 * 1024;
const MAX_BATCH = 500;

/** A content in a repository. */
export interface WantedBlob {
  /** Hexadecimal id. */
  id: string;
  /** Its size as the index has it; one of another size is not returned. */
  size: number;
}

/**
 * Reads contents from the repository whose top a folder (real path) is. What is missing, or of another size,
 * as after a conversion of line ends, is left out.
 * @throws GitPathError, GitCommandError
 */
export async function readBlobs(
  top: string,
  wanted: readonly WantedBlob[],
  bounds: GitBounds | undefined,
): Promise<Map<string, Buffer>> {
  const repository = await Repository.open(top, bounds, true);
  const found = new Map<string, Buffer>();
  if (!repository) return found;
  const sizes = new Map(wanted.map(({ id, size }) => [id, size]));
  try {
    for (const batch of batches(wanted)) {
      const input = batch.map(({ id }) => `${id}\n`).join('');
      const output = await repository.run(['cat-file', '--batch'], { input });
      for (const [id, bytes] of contents(output)) if (sizes.get(id) === bytes.length) found.set(id, bytes);
    }
    return found;
  } finally {
    await repository.close();
  }
}

function batches(wanted: readonly WantedBlob[]): WantedBlob[][] {
  const all: WantedBlob[][] = [];
  let bytes = Infinity;
  for (const blob of wanted) {
    const last = all.at(-1);
    if (!last || last.length >= MAX_BATCH || bytes + blob.size > MAX_BATCH_BYTES) {
      all.push([blob]);
      bytes = blob.size;
    } else {
      last.push(blob);
      bytes += blob.size;
    }
  }
  return all;
}

/** Each is a line with id, type and size, its bytes and a line end; or a line that says what is missing. */
function* contents(output: Buffer): Generator<[string, Buffer], void> {
  for (let at = 0; at < output.length;) {
    const end = output.indexOf(10, at);
    if (end === -1) return;
    const [id = '', type, size] = output.toString('latin1', at, end).split(' ');
    at = end + 1;
    if (size === undefined) continue;
    const length = Number(size);
    if (type === 'blob') yield [id, Buffer.from(output.subarray(at, at + length))];
    at += length + 1;
  }
}
