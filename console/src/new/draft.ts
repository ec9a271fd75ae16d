import { computed, signal } from '@preact/signals';
import { isRecord } from '../api/api-error.js';
import { EMPTY, type Draft } from './draft-fields.js';
import { EXAMPLES } from './example-scripts.js';
import { remembered } from './remembered.js';

/** The model that needs no key. */
export const SCRIPTED = 'scripted/demo';
const UNSENT = 'agent-server-console.unsent-conversation';

/** The form. It outlives the view, so that a look at another view loses nothing. */
export const draft = signal<Draft>({ ...EMPTY, ...remembered().choices, ...unsent() });

// A reload (after an update of the server, for instance) loses no text.
addEventListener('pagehide', () => {
  const { message, title, tags } = draft.peek();
  try {
    if (message + title + tags === '') sessionStorage.removeItem(UNSENT);
    else sessionStorage.setItem(UNSENT, JSON.stringify({ message, title, tags }));
  } catch {
    // Storage is disabled or full.
  }
});

/** The texts that were there before a reload. */
function unsent(): Partial<Draft> {
  const [navigation] = performance.getEntriesByType('navigation');
  if (!(navigation instanceof PerformanceNavigationTiming) || navigation.type !== 'reload') return {};
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(UNSENT) ?? '{}');
    if (!isRecord(kept)) return {};
    const texts = ['message', 'title', 'tags'].map((name) => [name, kept[name]] as const);
    return Object.fromEntries(texts.filter(([, text]) => typeof text === 'string'));
  } catch {
    return {};
  }
}

/** Whether the agent is the built-in one with a scripted model. */
export const isScripted = computed(
  () =>
    draft.value.agentProfile === null &&
    draft.value.profile === null &&
    draft.value.model.startsWith('scripted/'),
);

/** Changes fields of the form. */
export function change(changes: Partial<Draft>): void {
  draft.value = { ...draft.peek(), ...changes };
}

/** Chooses a model. What an example of the scripted model has chosen does not stay for a real one. */
export function chooseModel(chosen: Pick<Draft, 'profile' | 'model'>): void {
  const wasScripted = isScripted.peek();
  change({ ...chosen, agentProfile: null });
  if (!wasScripted || isScripted.peek()) return;
  const { tools = EMPTY.tools, approval = EMPTY.approval } = remembered().choices;
  const isExample = EXAMPLES.some(({ message }) => message === draft.peek().message);
  change({ tools, approval, ...(isExample && { message: '' }) });
}

/** After a start: the same choices, for another message. */
export function emptyMessage(): void {
  change({ message: '', images: [], title: '', apiKey: '' });
}

/** Fills the form from a link such as `new?folder=/src&model=scripted/demo&message=…`. */
export function fillFromQuery(query: URLSearchParams): void {
  const text = (name: string): string | undefined => query.get(name)?.slice(0, 100_000);
  const approval = text('approval');
  const profile = text('profile');
  const model = text('model');
  const texts = {
    message: text('message'),
    folder: text('folder'),
    title: text('title'),
    tags: text('tags'),
    budget: text('budget'),
    maxIterations: text('max_iterations'),
  };
  change({
    ...Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== undefined)),
    ...(model !== undefined && { model, profile: null, agentProfile: null }),
    ...(profile !== undefined && { profile, agentProfile: null }),
    ...(query.has('agent') && { agentProfile: text('agent') ?? null }),
    ...(query.has('worktree') && { worktree: query.get('worktree') === 'true' }),
    ...((approval === 'never' || approval === 'risky' || approval === 'always') && { approval }),
  });
}
