import { filterOf, isRunning, type Filters } from './filters.js';
import { isSetAside } from './set-aside.js';
import type { Summary } from './summary-store.js';

/** The parts of the list, in their order. All are in the last one if the person has chosen an order. */
export const SECTIONS = ['waiting', 'running', 'rest', 'all'] as const;
export type Section = (typeof SECTIONS)[number];

/** The place of a conversation in the list. */
export interface Place {
  id: string;
  section: Section;
  /** 1 for a child that stands below its parent. */
  depth: 0 | 1;
}

/** What a person should look at first. */
const URGENCY: Readonly<Record<string, number>> = { confirmation: 0, question: 1, budget: 2, error: 3 };

type Compare = (a: Summary, b: Summary) => number;

const byUpdate: Compare = (a, b) => compareText(b.updated_at, a.updated_at);
const byCreation: Compare = (a, b) => compareText(b.created_at, a.created_at);
const byUrgency: Compare = (a, b) =>
  (URGENCY[a.waits_for ?? ''] ?? 9) - (URGENCY[b.waits_for ?? ''] ?? 9) ||
  compareText(b.waits_since ?? '', a.waits_since ?? '');

/** Orders that a person can choose instead of the sections. */
const CHOSEN: Readonly<Record<string, Compare>> = {
  cost: (a, b) => b.cost - a.cost || byUpdate(a, b),
  created: byCreation,
  title: (a, b) => (a.title ?? '').localeCompare(b.title ?? '') || byUpdate(a, b),
};

/** Places all conversations that pass the filters, without those that are being deleted. */
export function arrange(
  all: ReadonlyMap<string, Summary>,
  filters: Filters,
  hidden: ReadonlySet<string>,
): Place[] {
  const passes = filterOf(filters);
  const { [filters.sort]: chosen } = CHOSEN;
  const sections: Record<Section, Summary[]> = { waiting: [], running: [], rest: [], all: [] };
  for (const summary of all.values())
    if (!hidden.has(summary.id) && passes(summary))
      sections[chosen === undefined ? sectionOf(summary) : 'all'].push(summary);
  sections.waiting.sort(byUrgency);
  // Not by the last update, which changes with each step.
  sections.running.sort(byCreation);
  sections.rest.sort(byUpdate);
  if (chosen !== undefined) sections.all.sort(chosen);
  return SECTIONS.flatMap((section) => withChildren(sections[section], section));
}

/** The section of a conversation. */
export function sectionOf(summary: Summary): Section {
  if (summary.waits_for !== null && !isSetAside(summary)) return 'waiting';
  return isRunning(summary) ? 'running' : 'rest';
}

/** Puts children below their parent if it is in the same section. */
function withChildren(sorted: readonly Summary[], section: Section): Place[] {
  if (sorted.every(({ parent_conversation_id: parent }) => parent === null))
    return sorted.map(({ id }) => ({ id, section, depth: 0 }));
  const here = new Map(sorted.map((summary) => [summary.id, summary]));
  const children = new Map<string, string[]>();
  const roots: string[] = [];
  for (const summary of sorted) {
    const root = rootOf(summary, here);
    if (root === summary.id) roots.push(root);
    else children.set(root, [...(children.get(root) ?? []), summary.id]);
  }
  return roots.flatMap((id) => [
    { id, section, depth: 0 as const },
    ...(children.get(id) ?? []).map((child) => ({ id: child, section, depth: 1 as const })),
  ]);
}

/** The highest of its ancestors that is here. Parents cannot form a circle, but files can be edited. */
function rootOf(summary: Summary, here: ReadonlyMap<string, Summary>): string {
  let current = summary;
  for (let level = 0; level < 32; level += 1) {
    const parent = here.get(current.parent_conversation_id ?? '');
    if (!parent || parent.id === summary.id) break;
    current = parent;
  }
  return current.id;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
