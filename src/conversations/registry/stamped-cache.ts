/** Estimated memory of a key, a stamp and a map entry. */
const OVERHEAD_BYTES = 300;

interface Entry {
  stamp: string;
  text: Buffer;
}

/** An LRU cache of texts. An entry is valid as long as the stamp of what it was made from is the same. */
export class StampedCache {
  /** Least recently used first. */
  private readonly entries = new Map<string, Entry>();
  private bytes = 0;

  constructor(private readonly maxBytes: number) {}

  get(key: string, stamp: string): Buffer | undefined {
    const found = this.entries.get(key);
    if (found?.stamp !== stamp) return undefined;
    this.entries.delete(key);
    this.entries.set(key, found);
    return found.text;
  }

  set(key: string, stamp: string, text: Buffer): void {
    this.drop(key);
    this.entries.set(key, { stamp, text });
    this.bytes += text.length + OVERHEAD_BYTES;
    for (const oldest of this.entries.keys()) {
      if (this.bytes <= this.maxBytes) return;
      this.drop(oldest);
    }
  }

  private drop(key: string): void {
    const found = this.entries.get(key);
    if (!found) return;
    this.entries.delete(key);
    this.bytes -= found.text.length + OVERHEAD_BYTES;
  }
}

/** A value as JSON, in a buffer of its own: a kept slice would keep the whole shared pool alive. */
export function jsonToKeep(value: object): Buffer {
  const text = JSON.stringify(value);
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
