import { computed } from '@preact/signals';
import { viewQuery } from '../routing/address.js';
import type { Summary } from './summary-store.js';
import { reasonText } from './texts.js';

/** Ages by which the list can be filtered. */
export const AGES: Readonly<Record<string, string>> = {
  hour: 'Last hour',
  today: 'Today',
  week: 'Last 7 days',
  month: 'Last 30 days',
};
export const STATUSES: Readonly<Record<string, string>> = {
  waiting: 'Waits for you',
  running: 'Running',
  paused: 'Paused',
  finished: 'Finished',
  error: 'Failed',
  idle: 'Not started',
};
export const ORDERS: Readonly<Record<string, string>> = {
  cost: 'Highest cost',
  created: 'Newest start',
  title: 'Title',
};

const HOUR_MS = 3_600_000;

/** What the filter bar asks for; its state is the query of the address. */
export interface Filters {
  text: string;
  status: string;
  tag: string;
  model: string;
  age: string;
  sort: string;
}

export const filters = computed<Filters>(() => {
  const get = (name: string): string => viewQuery.value.get(name) ?? '';
  return {
    text: get('q'),
    status: get('status') in STATUSES ? get('status') : '',
    tag: get('tag'),
    model: get('model'),
    age: get('age') in AGES ? get('age') : '',
    sort: get('sort') in ORDERS ? get('sort') : '',
  };
});

/** Whether anything but the order was chosen. */
export function isFiltered({ sort: _sort, ...chosen }: Filters): boolean {
  return Object.values(chosen).some((value) => value !== '');
}

/** Whether the agent of a conversation works. */
export function isRunning({ activity, execution_status: status }: Summary): boolean {
  // Another server runs those that have no activity.
  return activity !== null || status === 'running';
}

/** A function that tells whether a conversation passes the filters. */
export function filterOf({ text, status, tag, model, age }: Filters): (summary: Summary) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const since = age === '' ? '' : new Date(startOf(age)).toISOString();
  return (summary) =>
    (status === '' || hasStatus(summary, status)) &&
    (tag === '' || Object.entries(summary.tags).some(([key, value]) => `${key}:${value}` === tag)) &&
    (model === '' || summary.model === model) &&
    (since === '' || summary.updated_at >= since) &&
    (words.length === 0 || contains(summary, words));
}

/** The tags and models that occur, the most frequent first. */
export function choicesIn(all: Iterable<Summary>): { tags: string[]; models: string[] } {
  const tags = new Map<string, number>();
  const models = new Map<string, number>();
  for (const { tags: own, model } of all) {
    models.set(model, (models.get(model) ?? 0) + 1);
    for (const [key, value] of Object.entries(own)) {
      const tag = `${key}:${value}`;
      tags.set(tag, (tags.get(tag) ?? 0) + 1);
    }
  }
  return { tags: mostFrequent(tags), models: mostFrequent(models) };
}

/** Longer lists help nobody. */
const MAX_CHOICES = 100;

function mostFrequent(counts: ReadonlyMap<string, number>): string[] {
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, MAX_CHOICES)
    .map(([name]) => name);
}

function hasStatus(summary: Summary, status: string): boolean {
  if (status === 'waiting') return summary.waits_for !== null;
  if (status === 'running') return isRunning(summary);
  if (status === 'error') return ['error', 'stuck'].includes(summary.execution_status);
  return summary.execution_status === status && !isRunning(summary);
}

function contains(summary: Summary, words: readonly string[]): boolean {
  const { title, reason, working_dir, model, id, tags } = summary;
  const shown = reason === null ? '' : reasonText(summary);
  const text = [title, reason, shown, working_dir, model, id, ...Object.entries(tags).flat()]
    .join('\n')
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

function startOf(age: string): number {
  if (age === 'today') return new Date().setHours(0, 0, 0, 0);
  const hours = age === 'hour' ? 1 : age === 'week' ? 7 * 24 : 30 * 24;
  return Date.now() - hours * HOUR_MS;
}
