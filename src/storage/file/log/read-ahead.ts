/** More than most pages of events have (bytes). */
const LARGEST = 128 * 1024;
/** Of all files together: who reads page by page asks for the next one soon, or never. */
const MAX_PAGES = 8;

/** Bytes of a file that nobody has asked for yet. */
interface Prepared {
  start: number;
  end: number;
  bytes: Promise<Buffer | undefined>;
}

/**
 * Reads what will be asked for next while the client is still busy with what it got: a page of a log is then
 * there when it is asked for, without a way through the threads of Node. Holds one piece of a file, of the
 * eight files that were read last. Only for bytes that do not change any more.
 */
export class ReadAhead<File extends object> {
  private readonly prepared = new Map<File, Prepared>();

  /**
   * Begins to read. @param read reads the bytes from `start` up to `end`; what fails is asked for again by
   * whoever needs it
   */
  begin(file: File, start: number, end: number, read: () => Promise<Buffer>): void {
    this.prepared.delete(file);
    if (end - start > LARGEST) return;
    this.prepared.set(file, { start, end, bytes: read().catch(() => undefined) });
    const [oldest] = this.prepared.keys();
    if (oldest !== undefined && this.prepared.size > MAX_PAGES) this.prepared.delete(oldest);
  }

  /** Hands out just these bytes, once; undefined where they are not there. */
  take(file: File, start: number, end: number): Promise<Buffer | undefined> | undefined {
    const found = this.prepared.get(file);
    if (found?.start !== start || found.end !== end) return undefined;
    this.prepared.delete(file);
    return found.bytes;
  }

  /** Forgets a file. */
  drop(file: File): void {
    this.prepared.delete(file);
  }
}
