/** What a text costs besides its bytes: its key, its stamp and the entry of the map. */
const OVERHEAD_BYTES = 300;

interface Kept {
  stamp: string;
  text: Buffer;
}

/**
 * Texts that were made of something stored, each as long as its stamp is the same; those used last, up to so
 * many bytes.
 */
export class StampedCache {
  /** In the order of their last use. */
  private readonly kept = new Map<string, Kept>();
  private bytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** What was made of the thing while it had this stamp. */
  get(key: string, stamp: string): Buffer | undefined {
    const found = this.kept.get(key);
    if (found?.stamp !== stamp) return undefined;
    this.kept.delete(key);
    this.kept.set(key, found);
    return found.text;
  }

  set(key: string, stamp: string, text: Buffer): void {
    this.drop(key);
    this.kept.set(key, { stamp, text });
    this.bytes += text.length + OVERHEAD_BYTES;
    for (const oldest of this.kept.keys()) {
      if (this.bytes <= this.maxBytes) return;
      this.drop(oldest);
    }
  }

  private drop(key: string): void {
    const found = this.kept.get(key);
    if (!found) return;
    this.kept.delete(key);
    this.bytes -= found.text.length + OVERHEAD_BYTES;
  }
}
