/** Dropped chunks that stay in the array: removing each on its own would take quadratic time. */
const MAX_REMOVED = 1024;

/** Collects bytes until they are taken. Of too many only the last are kept, without copying them. */
export class ByteTail {
  private chunks: Buffer[] = [];
  private first = 0;
  private length = 0;
  private dropped = 0;

  constructor(private readonly limit: number) {}

  /** @param bytes must not be changed afterwards */
  append(bytes: Buffer): void {
    this.chunks.push(bytes);
    this.length += bytes.length;
    while (this.length - this.firstLength >= this.limit) {
      this.length -= this.firstLength;
      this.dropped += this.firstLength;
      this.first += 1;
    }
    if (this.first < MAX_REMOVED) return;
    this.chunks = this.chunks.slice(this.first);
    this.first = 0;
  }

  /** The bytes since the last call, and how many are missing before them. */
  take(): { bytes: Buffer; dropped: number } {
    const taken = { bytes: Buffer.concat(this.chunks.slice(this.first)), dropped: this.dropped };
    this.chunks = [];
    this.first = 0;
    this.length = 0;
    this.dropped = 0;
    return taken;
  }

  private get firstLength(): number {
    return this.chunks[this.first]?.length ?? 0;
  }
}
