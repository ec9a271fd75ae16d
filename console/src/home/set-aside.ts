import { signal } from '@preact/signals';
import type { Summary } from './summary-store.js';

const NAME = 'agent-server-console.set-aside';
const MAX_KEPT = 2_000;

/** Since when each conversation waited that the person has set aside, by id; kept by the browser. */
export const asideSince = signal<ReadonlyMap<string, string>>(readKept());

/** Whether the person has seen what a conversation waits for and wants it out of the way. */
export function isSetAside({ id, waits_since }: Summary): boolean {
  return waits_since !== null && asideSince.value.get(id) === waits_since;
}

/** Moves conversations out of "Waits for you" until they wait for something else; or back. */
export function setAside(all: readonly Summary[], isAside: boolean): void {
  const next = new Map(asideSince.value);
  for (const { id, waits_since } of all) {
    next.delete(id);
    if (isAside && waits_since !== null) next.set(id, waits_since);
  }
  for (const id of next.keys()) if (next.size > MAX_KEPT) next.delete(id);
  asideSince.value = next;
  try {
    localStorage.setItem(NAME, JSON.stringify([...next]));
  } catch {
    // It holds until the page is left.
  }
}

function readKept(): ReadonlyMap<string, string> {
  try {
    const all: unknown = JSON.parse(localStorage.getItem(NAME) ?? '[]');
    return new Map(Array.isArray(all) ? all.filter(isEntry) : []);
  } catch {
    return new Map();
  }
}

function isEntry(value: unknown): value is [string, string] {
  return Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'string';
}
