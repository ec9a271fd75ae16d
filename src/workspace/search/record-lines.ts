/** A longer record (bytes) is not read: its line is one of a minified file, or has thousands of matches. */
export const MAX_RECORD_BYTES = 1024 * 1024;
/** What is kept of a longer record tells its kind. */
const KEPT_BYTES = 100;

const LINE_END = 0x0a;

/**
 * The lines of an output, whatever its chunks are. No more than one line is held, and of one that is too long
 * only the beginning, with `isCut`.
 */
export async function* recordLines(
  output: AsyncIterable<Buffer>,
): AsyncGenerator<{ line: Buffer; length: number; isCut: boolean }> {
  let parts: Buffer[] = [];
  let length = 0;
  let isCut = false;
  const take = (part: Buffer): void => {
    length += part.length;
    if (isCut) return;
    parts.push(part);
    if (length <= MAX_RECORD_BYTES) return;
    isCut = true;
    parts = [Buffer.concat(parts).subarray(0, KEPT_BYTES)];
  };
  for await (const chunk of output) {
    let from = 0;
    for (let at = chunk.indexOf(LINE_END); at !== -1; at = chunk.indexOf(LINE_END, from)) {
      take(chunk.subarray(from, at));
      yield { line: Buffer.concat(parts), length, isCut };
      from = at + 1;
      parts = [];
      length = 0;
      isCut = false;
    }
    if (from < chunk.length) take(Buffer.from(chunk.subarray(from)));
  }
}

/** A longer path (bytes) is none of the system. */
const MAX_PATH_BYTES = 64 * 1024;

/**
 * The paths in an output, of which each ends with a zero byte, without `./`. Bytes that are not UTF-8 become
 * replacement characters.
 */
export async function* recordNames(output: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const chunk of output) {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = data.lastIndexOf(0) + 1;
    for (const name of data.toString('utf8', 0, Math.max(0, end - 1)).split('\0')) {
      if (name !== '') yield name.replace(/^\.\//, '');
    }
    rest = Buffer.from(data.subarray(end));
    if (rest.length > MAX_PATH_BYTES) return;
  }
}
