import { StringDecoder } from 'node:string_decoder';

/** Most output kept of a back end (bytes). */
const MAX_BYTES = 262_144;
/** Longer lines are split into pieces of this length (characters). */
const MAX_LINE = 8_192;

type OutputStream = 'stdout' | 'stderr';

/** The last output of a back end, line by line, each line prefixed with the name of its stream. */
export class BackendLog {
  private readonly lines: { text: string; bytes: number }[] = [];
  private bytes = 0;
  private dropped = false;
  private readonly partialLines: Record<OutputStream, { decoder: StringDecoder; text: string }> = {
    stdout: { decoder: new StringDecoder('utf8'), text: '' },
    stderr: { decoder: new StringDecoder('utf8'), text: '' },
  };

  add(stream: OutputStream, chunk: Buffer): void {
    const open = this.partialLines[stream];
    const text = open.text + open.decoder.write(chunk);
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      this.push(stream, text.slice(start, end));
      start = end + 1;
    }
    for (; text.length - start > MAX_LINE; start += MAX_LINE) {
      this.push(stream, text.slice(start, start + MAX_LINE));
    }
    open.text = text.slice(start);
  }

  /** The stream ended: an unfinished line is added. */
  end(stream: OutputStream): void {
    const open = this.partialLines[stream];
    const text = open.text + open.decoder.end();
    open.text = '';
    if (text !== '') this.push(stream, text);
  }

  /** Returns at most `limit` last bytes, starting at a character boundary. */
  tail(limit: number): { logs: string; truncated: boolean } {
    const unfinished = (['stdout', 'stderr'] as const).map((stream) => {
      const { text } = this.partialLines[stream];
      return text === '' ? '' : lineOf(stream, text);
    });
    const all = Buffer.from(this.lines.map(({ text }) => text).join('') + unfinished.join(''));
    if (all.length <= limit) return { logs: all.toString(), truncated: this.dropped };
    let start = all.length - limit;
    while (start < all.length && ((all[start] ?? 0) & 0xc0) === 0x80) start += 1;
    return { logs: all.subarray(start).toString(), truncated: true };
  }

  private push(stream: OutputStream, line: string): void {
    const text = lineOf(stream, line);
    const bytes = Buffer.byteLength(text);
    this.lines.push({ text, bytes });
    this.bytes += bytes;
    while (this.bytes > MAX_BYTES) {
      this.bytes -= this.lines.shift()?.bytes ?? 0;
      this.dropped = true;
    }
  }
}

function lineOf(stream: OutputStream, line: string): string {
  return `[${stream}] ${line}\n`;
}
