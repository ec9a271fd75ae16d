import { isRecord } from '../api/api-error.js';
import type { Draft } from './draft-fields.js';

const NAME = 'agent-server-console.new-conversation';
const MAX_FOLDERS = 8;
const MAX_LENGTH = 4_096;

/** What this browser remembers of the last start. No messages, no keys, no addresses (they may hold keys). */
interface Remembered {
  choices: Partial<Draft>;
  /** The last first. */
  folders: readonly string[];
}

/** Reads what is remembered; somebody may have changed it. */
export function remembered(): Remembered {
  const kept = read();
  const text = (name: string): string | undefined => {
    const value = kept[name];
    return typeof value === 'string' && value.length <= MAX_LENGTH ? value : undefined;
  };
  const texts = (name: string): string[] | undefined => {
    const value = kept[name];
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string').slice(0, 100) : undefined;
  };
  const approval = text('approval');
  const analyzer = text('analyzer');
  const choices = {
    folder: text('folder'),
    agentProfile: text('agentProfile'),
    profile: text('profile'),
    model: text('model'),
    maxIterations: text('maxIterations'),
    budget: text('budget'),
    tools: texts('tools'),
    approval: approval === 'never' || approval === 'risky' || approval === 'always' ? approval : undefined,
    analyzer: analyzer === 'rules' || analyzer === 'model' || analyzer === 'both' ? analyzer : undefined,
  };
  return {
    choices: Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== undefined)),
    folders: texts('folders') ?? [],
  };
}

/** Remembers the choices of a start. @param isForScripts the model is a scripted one */
export function remember(draft: Draft, isForScripts: boolean): void {
  const { folder, agentProfile, profile, model, maxIterations, budget } = draft;
  const before = remembered();
  const folders = [folder, ...before.folders.filter((other) => other !== folder)];
  // An example of the scripted model chooses tools and an approval that suit it alone.
  const { tools, approval, analyzer } = isForScripts ? before.choices : draft;
  const kept = { folder, agentProfile, profile, model, maxIterations, budget, tools, approval, analyzer };
  try {
    localStorage.setItem(NAME, JSON.stringify({ ...kept, folders: folders.slice(0, MAX_FOLDERS) }));
  } catch {
    // Storage is disabled or full: the next visit begins with the defaults.
  }
}

function read(): Record<string, unknown> {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(NAME) ?? '{}');
    return isRecord(kept) ? kept : {};
  } catch {
    return {};
  }
}
