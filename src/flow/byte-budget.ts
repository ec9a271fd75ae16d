/** What is this small has a budget of its own: large items cannot keep small ones out (bytes). */
const SMALL = 64 * 1024;
/** Bytes of all small items together: 512 of the largest. */
const SMALL_BUDGET = 32 * 1024 * 1024;

/** Bytes that one item holds of a budget. */
export interface HeldBytes {
  /** How many it holds. */
  readonly size: number;
  /** Takes more. @returns false where the budget has not so many left; then nothing changes */
  grow(bytes: number): boolean;
  /** Gives some back, or all of them. */
  shrink(bytes?: number): void;
}

/**
 * Bounds the bytes that all clients together may have sent and that are still worked on: bodies of requests,
 * frames of sockets. Items up to 64 KiB have 32 MiB of their own, so that those who send much cannot keep
 * everybody else out.
 */
export class ByteBudget {
  private large = 0;
  private small = 0;

  /** @param limit bytes of all items over 64 KiB */
  constructor(readonly limit: number) {}

  /** Whether one more item of this size could be taken now. */
  hasRoomFor(size: number): boolean {
    return size <= SMALL ? this.small + size <= SMALL_BUDGET : this.large + size <= this.limit;
  }

  /** A new item, which holds nothing yet. Whoever asked gives back what it takes. */
  hold(): HeldBytes {
    let size = 0;
    const resize = (next: number): void => {
      this.count(size, -1);
      size = next;
      this.count(size, 1);
    };
    return {
      get size() {
        return size;
      },
      grow: (bytes) => {
        const before = size;
        resize(0);
        const fits = this.hasRoomFor(before + bytes);
        resize(fits ? before + bytes : before);
        return fits;
      },
      shrink: (bytes = size) => resize(Math.max(0, size - bytes)),
    };
  }

  private count(size: number, sign: 1 | -1): void {
    if (size <= SMALL) this.small += sign * size;
    else this.large += sign * size;
  }
}
