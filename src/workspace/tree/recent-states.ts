import type { GitStates } from '../../git/index.js';

/** How long an answer of git is used again (ms): the levels of a tree are asked for together. */
const FRESH_MS = 700;
/** The most answers that are kept. */
const MAX_KEPT = 20;

interface Kept {
  states: Promise<GitStates | undefined>;
  /** Time of its end (`performance.now`); infinite while git runs. */
  until: number;
}

/** Answers of git that are shared by requests for one folder at about the same time. */
export class RecentStates {
  private readonly kept = new Map<string, Kept>();

  /** @throws what the work throws; it is asked again the next time */
  get(key: string, work: () => Promise<GitStates | undefined>): Promise<GitStates | undefined> {
    const known = this.kept.get(key);
    if (known && performance.now() < known.until) return known.states;
    const entry: Kept = { states: work(), until: Infinity };
    this.kept.delete(key);
    this.kept.set(key, entry);
    entry.states.then(
      () => (entry.until = performance.now() + FRESH_MS),
      () => (entry.until = 0),
    );
    for (const [oldest] of this.kept) {
      if (this.kept.size <= MAX_KEPT) break;
      this.kept.delete(oldest);
    }
    return entry.states;
  }
}
