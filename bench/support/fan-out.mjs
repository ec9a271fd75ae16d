import { inParallel } from './conversation.mjs';

/** Maximum number of concurrent broadcasts. */
const AT_ONCE = 8;

/**
 * Publishes `count` times and waits until all watchers have received everything: `framesEach` frames per
 * broadcast and watcher. Returns frames per second.
 */
export async function fanOut(watchers, { count, framesEach, publish, atOnce = AT_ONCE }) {
  const before = watchers.map(({ frames }) => frames);
  const arrivals = new Arrivals(watchers);
  const started = performance.now();
  let published = 0;
  await inParallel(atOnce, count, async (index) => {
    const arrived = arrivals.reach(++published * framesEach * watchers.length);
    await publish(index);
    await arrived;
  });
  const seconds = (performance.now() - started) / 1000;
  arrivals.end();
  for (const [index, { frames, closed }] of watchers.entries()) {
    const got = frames - before[index];
    if (closed !== undefined || got !== count * framesEach)
      throw new Error(`a socket got ${got} frames of ${count * framesEach} (closed: ${closed})`);
  }
  return (count * framesEach * watchers.length) / seconds;
}

/** Counts the frames that arrive at some watchers. */
class Arrivals {
  #watchers;
  #count = 0;
  /** Sorted by count. */
  #waiting = [];

  constructor(watchers) {
    this.#watchers = watchers;
    for (const watcher of watchers) watcher.onFrame = () => this.#arrive();
  }

  reach(count) {
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  end() {
    for (const watcher of this.#watchers) watcher.onFrame = undefined;
  }

  #arrive() {
    this.#count += 1;
    while (this.#waiting.length > 0 && this.#waiting[0].count <= this.#count) this.#waiting.shift().resolve();
  }
}
