import { signal } from '@preact/signals';
import type { Place } from './arrange.js';

/** The conversation that keys act on; null before the list was used. */
export const cursor = signal<string | null>(null);
/** The conversations that a person has marked, for one action on all of them. */
export const selected = signal<ReadonlySet<string>>(new Set());

/** Where a range begins. */
let anchor: string | null = null;

/** Marks a conversation, or takes the mark away. */
export function toggle(id: string): void {
  const next = new Set(selected.value);
  if (!next.delete(id)) next.add(id);
  selected.value = next;
  anchor = id;
  cursor.value = id;
}

/** Marks all from the last one that was marked to this one. */
export function selectTo(id: string, places: readonly Place[]): void {
  const from = places.findIndex((place) => place.id === (anchor ?? cursor.value));
  const to = places.findIndex((place) => place.id === id);
  if (to < 0) return;
  const [low, high] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)];
  anchor ??= places[low === to ? high : low]?.id ?? null;
  selected.value = new Set([...selected.value, ...places.slice(low, high + 1).map((place) => place.id)]);
  cursor.value = id;
}

/** Marks these and no others. */
export function selectAll(places: readonly Place[]): void {
  selected.value = new Set(places.map(({ id }) => id));
}

export function clearSelection(): void {
  selected.value = new Set();
  anchor = null;
}

/** Moves the cursor. @param isExtending marks what it passes */
export function moveCursor(places: readonly Place[], step: number, isExtending: boolean): void {
  if (places.length === 0) return;
  const at = places.findIndex(({ id }) => id === cursor.value);
  const next = at < 0 ? (step > 0 ? 0 : places.length - 1) : at + step;
  const place = places[Math.min(Math.max(next, 0), places.length - 1)];
  if (!place) return;
  if (isExtending) {
    anchor ??= cursor.value;
    selectTo(place.id, places);
  } else cursor.value = place.id;
}

/** Forgets marks of conversations that are no longer there. */
export function keepSelected(exists: (id: string) => boolean): void {
  const kept = [...selected.value].filter(exists);
  if (kept.length !== selected.value.size) selected.value = new Set(kept);
}
