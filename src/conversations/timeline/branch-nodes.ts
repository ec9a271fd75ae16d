import type { LogReader } from '../../storage/index.js';
import { isOnPath, type BranchSegments, type CountInTree, type LogSpan } from './branch-segments.js';

/** A place in the tree of branches, by the position of its event; -1 for the root. */
export interface BranchPlace {
  seq: number;
  /** The place before it. */
  parent: number;
  /** Where the events after that place begin. */
  first: number;
  kind: 'root' | 'fork' | 'leaf' | 'head';
  /** Events of the tree from the first one to this. */
  events: number;
  /** On the way from the root to the head. */
  active: boolean;
}

/** The places of a tree. */
interface BranchPlaces {
  /** A parent comes before its children. */
  places: BranchPlace[];
  /** Places were left out. */
  truncated: boolean;
}

/** The root, the forks, the ends of branches and the head, in the order of the log. */
export async function branchPlaces(
  tree: BranchSegments,
  head: number,
  log: Pick<LogReader, 'entries'>,
  limit: number,
): Promise<BranchPlaces> {
  const places = allPlaces(tree, head);
  const path = tree.pathTo(head);
  const kept = newest(places, path, limit);
  const countInTree = async (from: number, to: number): Promise<number> => {
    const entries = await log.entries(from, to - from);
    return entries.filter(({ kind }) => kind !== 'ConversationStateUpdateEvent').length;
  };
  const counted: BranchPlace[] = [];
  for (const place of kept) {
    const events = await countEvents(tree, countInTree, place);
    counted.push({ ...place, events, active: isOnPath(path, place.seq) || place.kind === 'root' });
  }
  return { places: counted, truncated: kept.length < places.length };
}

type BarePlace = Omit<BranchPlace, 'events' | 'active'>;

function allPlaces(tree: BranchSegments, head: number): BarePlace[] {
  const children = new Map<number, number>();
  for (const { parent } of tree.segments) children.set(parent, (children.get(parent) ?? 0) + 1);
  const cuts = new Set([...children.keys(), head]);
  const byParent = cutsBySegment(tree, cuts);
  const places: BarePlace[] = [{ seq: -1, parent: -1, first: -1, kind: 'root' }];
  // The place that stands for each cut: itself, or the one before it where nothing parts.
  const placeOf = new Map<number, { place: number; first: number | undefined }>([
    [-1, { place: -1, first: undefined }],
  ]);
  for (const [index, segment] of tree.segments.entries()) {
    const before = placeOf.get(segment.parent) ?? { place: -1, first: undefined };
    let { place } = before;
    let first = before.first ?? segment.start;
    for (const seq of byParent[index] ?? []) {
      const ways = (children.get(seq) ?? 0) + (seq < segment.end ? 1 : 0);
      const kind = ways > 1 ? 'fork' : ways === 0 ? 'leaf' : seq === head ? 'head' : undefined;
      if (kind === undefined) {
        // The branch goes on in another part of the log.
        placeOf.set(seq, { place, first });
        continue;
      }
      places.push({ seq, parent: place, first, kind });
      placeOf.set(seq, { place: seq, first: undefined });
      place = seq;
      first = seq + 1;
    }
  }
  return places;
}

/** For each segment, the positions in it at which something parts or ends, in order. */
function cutsBySegment(tree: BranchSegments, cuts: ReadonlySet<number>): number[][] {
  const found = tree.segments.map(({ end }) => [end]);
  for (const seq of cuts) {
    const index = tree.indexOf(seq);
    const segment = tree.segments[index];
    if (seq >= 0 && segment && seq < segment.end) found[index]?.push(seq);
  }
  return found.map((seqs) => seqs.sort((one, other) => one - other));
}

/** The newest places, those of the active branch first, each with all places before it. */
function newest(places: readonly BarePlace[], path: readonly LogSpan[], limit: number): BarePlace[] {
  if (places.length <= limit) return [...places];
  const bySeq = new Map(places.map((place) => [place.seq, place]));
  const kept = new Set<BarePlace>();
  const keep = (last: BarePlace): void => {
    const way: BarePlace[] = [];
    for (let place: BarePlace | undefined = last; place && !kept.has(place);) {
      way.push(place);
      place = place.kind === 'root' ? undefined : bySeq.get(place.parent);
    }
    if (kept.size + way.length <= limit) for (const place of way) kept.add(place);
  };
  const latestFirst = places.toReversed();
  for (const place of latestFirst) if (isOnPath(path, place.seq)) keep(place);
  for (const place of latestFirst) if (kept.size < limit) keep(place);
  return places.filter((place) => kept.has(place));
}

/** The events of the tree between a place and the one before it, which may be several segments away. */
async function countEvents(
  tree: BranchSegments,
  countInTree: CountInTree,
  place: BarePlace,
): Promise<number> {
  let count = 0;
  for (let at = place.seq; at > place.parent && at >= 0;) {
    const segment = tree.segments[tree.indexOf(at)];
    if (!segment) break;
    const before = Math.max(segment.start - 1, segment.start <= place.parent ? place.parent : -1);
    count += (await tree.rankOf(at, countInTree)) - (await tree.rankOf(before, countInTree));
    if (segment.start <= place.parent) break;
    at = segment.parent;
  }
  return count;
}
