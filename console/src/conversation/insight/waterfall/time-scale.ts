/** A part of the time that the scale shows shortened. Milliseconds since the epoch. */
export interface Gap {
  from: number;
  to: number;
}

interface Piece {
  from: number;
  to: number;
  /** Where it begins on the scale, and how much of the scale a millisecond takes there. */
  at: number;
  rate: number;
}

/** A shortened gap takes at most this part of what remains, and all of them together at most `GAPS_SHARE`. */
const GAP_SHARE = 0.02;
const GAPS_SHARE = 0.25;
const MIN_GAP_MS = 1;

/**
 * Maps times to places on a scale, whose unit is a millisecond outside of gaps. Gaps (waits for a person,
 * most of a long conversation) are shortened, so that the work between them can be seen.
 */
export class TimeScale {
  private readonly pieces: Piece[] = [];
  readonly length: number;

  /** @param gaps in any order; those that overlap are joined */
  constructor(
    readonly from: number,
    readonly to: number,
    gaps: readonly Gap[],
  ) {
    const joined = joinGaps(gaps, from, to);
    const work = Math.max(1, to - from - joined.reduce((sum, gap) => sum + gap.to - gap.from, 0));
    const gapShare = Math.min(GAP_SHARE, GAPS_SHARE / Math.max(1, joined.length));
    const gapLength = Math.max(MIN_GAP_MS, work * gapShare);
    let [time, at] = [from, 0];
    const add = (until: number, rate: number): void => {
      if (until <= time) return;
      this.pieces.push({ from: time, to: until, at, rate });
      at += (until - time) * rate;
      time = until;
    };
    for (const gap of joined) {
      add(gap.from, 1);
      add(gap.to, Math.min(1, gapLength / (gap.to - gap.from)));
    }
    add(to, 1);
    this.length = Math.max(1, at);
  }

  /** The place of a time, from 0 to `length`. */
  placeOf(time: number): number {
    const piece = this.pieces[lastBelow(this.pieces, time, ({ from }) => from)];
    if (!piece) return 0;
    return piece.at + (Math.min(time, piece.to) - piece.from) * piece.rate;
  }

  /** The time at a place. */
  timeAt(place: number): number {
    const piece = this.pieces[lastBelow(this.pieces, place, ({ at }) => at)];
    if (!piece) return this.from;
    return Math.min(piece.to, piece.from + (place - piece.at) / piece.rate);
  }
}

function joinGaps(gaps: readonly Gap[], from: number, to: number): Gap[] {
  const joined: Gap[] = [];
  for (const gap of gaps.toSorted((one, other) => one.from - other.from)) {
    const cut = { from: Math.max(gap.from, from), to: Math.min(gap.to, to) };
    if (cut.to <= cut.from) continue;
    const last = joined.at(-1);
    if (last && cut.from <= last.to) last.to = Math.max(last.to, cut.to);
    else joined.push(cut);
  }
  return joined;
}

/** The index of the last item whose key is at most the given one; 0 if there is none. */
function lastBelow<T>(items: readonly T[], key: number, keyOf: (item: T) => number): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && keyOf(item) <= key) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}
