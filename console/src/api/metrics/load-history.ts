import { effect, signal, type ReadonlySignal } from '@preact/signals';
import { isRecord, messageOf } from '../api-error.js';
import { fetchPath } from '../client.js';
import { reachability } from '../reachability.js';
import { keyProblem } from '../session-key.js';
import { pageIsVisible } from '../use-fetched.js';
import { toLoadSample, type LoadSample } from './load-sample.js';

/** Time between samples while something shows them, and otherwise (ms). */
const SHOWN_MS = 5_000;
const HIDDEN_MS = 10_000;
/** How long samples are kept (s), and how many at most. */
const HISTORY_SECONDS = 3600;
const MAX_SAMPLES = 800;
/** Where they are kept while the page is loaded again. */
const NAME = 'agent-server-console.load';

const samples = signal<readonly LoadSample[]>([]);
const problem = signal<string | undefined>(undefined);

/** The load of the server in the last hour, as far as this page has seen it; the oldest first. */
export const loadHistory: ReadonlySignal<readonly LoadSample[]> = samples;

/** Why the last attempt to read the metrics failed. */
export const loadProblem: ReadonlySignal<string | undefined> = problem;

let watchers = 0;
let isStarted = false;
let isCollecting = false;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Collects samples until the page is left, but not while it cannot be seen or has no valid key. */
export function collectLoad(): void {
  if (isStarted) return;
  isStarted = true;
  samples.value = kept();
  addEventListener('pagehide', keep);
  effect(() => {
    clearTimeout(timer);
    if (mayCollect()) void collect();
  });
}

/** Collects more often until the returned function is called. */
export function watchLoad(): () => void {
  watchers += 1;
  if (isStarted) void collect();
  else collectLoad();
  return () => {
    watchers -= 1;
  };
}

async function collect(): Promise<void> {
  if (isCollecting) return;
  isCollecting = true;
  clearTimeout(timer);
  try {
    const answer = await fetchPath('metrics');
    const sample = toLoadSample(await answer.text(), Date.now());
    samples.value = recent([...samples.peek(), sample]);
    problem.value = undefined;
  } catch (error) {
    problem.value = messageOf(error);
  }
  isCollecting = false;
  clearTimeout(timer);
  if (!mayCollect()) return;
  timer = setTimeout(() => void collect(), watchers > 0 ? SHOWN_MS : HIDDEN_MS);
}

/** Also a signal: collecting goes on when the page is seen again, gets a key, or reaches the server again. */
function mayCollect(): boolean {
  return pageIsVisible.value && keyProblem.value === null && reachability.value === 'reached';
}

function recent(all: readonly LoadSample[]): LoadSample[] {
  const oldest = Date.now() / 1000 - HISTORY_SECONDS;
  return all.filter(({ at }) => at >= oldest).slice(-MAX_SAMPLES);
}

function keep(): void {
  try {
    sessionStorage.setItem(NAME, JSON.stringify(samples.peek()));
  } catch {
    // Storage is disabled or full: the history begins anew.
  }
}

function kept(): LoadSample[] {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(NAME) ?? '[]');
    sessionStorage.removeItem(NAME);
    return Array.isArray(stored) ? recent(stored.filter(isSample)) : [];
  } catch {
    return [];
  }
}

/** Whether a kept value is a sample, of this version of the page. */
function isSample(value: unknown): value is LoadSample {
  return (
    isRecord(value) &&
    typeof value['at'] === 'number' &&
    isRecord(value['logWriteBuckets']) &&
    'diskSize' in value
  );
}
