/** Items up to this size have a budget of their own, so that large items cannot exhaust it (bytes). */
const SMALL = 64 * 1024;
/** Bytes of all small items together: 512 of the largest. */
const SMALL_BUDGET = 32 * 1024 * 1024;

/** The share of a budget that one item holds. */
export interface HeldBytes {
  /** Bytes held. */
  readonly size: number;
  /** Takes more bytes. @returns false if the budget has too few left; nothing changes then */
  grow(bytes: number): boolean;
  /** Gives bytes back; all of them by default. */
  shrink(bytes?: number): void;
}

/**
 * Bounds the bytes of all request bodies and socket frames that are being received or handled. Items up to
 * 64 KiB have 32 MiB of their own, so that clients that send much cannot block all others.
 */
export class ByteBudget {
  private large = 0;
  private small = 0;

  /** @param limit bytes of all items over 64 KiB */
  constructor(readonly limit: number) {}

  /** Whether one more item of this size would fit now. */
  hasRoomFor(size: number): boolean {
    return size <= SMALL ? this.small + size <= SMALL_BUDGET : this.large + size <= this.limit;
  }

  /** A new item that holds nothing yet. The caller gives back what it takes. */
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
