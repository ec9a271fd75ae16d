import { effect, signal, type ReadonlySignal } from '@preact/signals';
import { fetchPath } from '../client.js';
import { messageOf } from '../api-error.js';
import { pageIsVisible } from '../use-fetched.js';
import { toLoadSample, type LoadSample } from './load-sample.js';

/** Time between samples while something shows them, and otherwise (ms). */
const SHOWN_MS = 5_000;
const HIDDEN_MS = 10_000;
/** How long samples are kept (s). */
export const HISTORY_SECONDS = 3600;

const samples = signal<readonly LoadSample[]>([]);
const problem = signal<string | undefined>(undefined);

/** The load of the server in the last hour, as far as this page has seen it; the oldest first. */
export const loadHistory: ReadonlySignal<readonly LoadSample[]> = samples;

/** Why the last attempt to read the metrics failed. */
export const loadProblem: ReadonlySignal<string | undefined> = problem;

let watchers = 0;
let isStarted = false;
let timer: ReturnType<typeof setTimeout> | undefined;

/**
 * Collects samples from the first call on, until the page is left; not while the page cannot be seen. More
 * often until the returned function is called.
 */
export function watchLoad(): () => void {
  watchers += 1;
  if (!isStarted) {
    isStarted = true;
    effect(() => {
      clearTimeout(timer);
      if (pageIsVisible.value) void collect();
    });
  } else {
    clearTimeout(timer);
    void collect();
  }
  return () => {
    watchers -= 1;
  };
}

async function collect(): Promise<void> {
  try {
    const answer = await fetchPath('metrics');
    const sample = toLoadSample(await answer.text(), Date.now());
    const oldest = sample.at - HISTORY_SECONDS;
    samples.value = [...samples.peek().filter(({ at }) => at >= oldest), sample];
    problem.value = undefined;
  } catch (error) {
    problem.value = messageOf(error);
  }
  clearTimeout(timer);
  if (pageIsVisible.peek()) timer = setTimeout(() => void collect(), watchers > 0 ? SHOWN_MS : HIDDEN_MS);
}
