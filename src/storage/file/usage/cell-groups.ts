import { inSlices } from '../../../flow/index.js';
import { asJsonObject, tryParseJson } from '../../../json/index.js';
import {
  addTotals,
  noUsage,
  SLOT_MS,
  slotOf,
  type UsageGroup,
  type UsageGroupName,
  type UsageQuery,
  type UsageReport,
  type UsageTotals,
} from '../../usage-ledger.js';
import { AT, SUMS, WIDTH, type UsageCells } from './usage-cells.js';

/** Cells or groups between two looks at the time: a month may have a hundred thousand. */
const PART = 200;

/** Gives each cell a number of its group, and each number the value of the group. */
interface Grouping {
  numberOf: (at: number) => number;
  values: (string | null)[];
}

/** A group of the cells of one month. */
interface MonthGroup {
  values: (string | null)[];
  sums: Float64Array;
}

/** Sums up cells as a query asks. */
export class CellGroups {
  private readonly groups = new Map<string, UsageGroup>();
  private readonly total = noUsage();
  private readonly dayFormat: Intl.DateTimeFormat;
  private readonly first: number;
  private readonly end: number;

  constructor(private readonly query: UsageQuery) {
    // The dates of Sweden are those of ISO 8601.
    this.dayFormat = new Intl.DateTimeFormat('sv-SE', { timeZone: query.timeZone, dateStyle: 'short' });
    this.first = query.from === undefined ? -Infinity : slotOf(query.from);
    this.end = query.before === undefined ? Infinity : Math.ceil(query.before / SLOT_MS);
  }

  /** Adds the cells of a month, which nobody changes meanwhile. */
  add(cells: UsageCells): Promise<void> {
    return inSlices(this.adding(cells));
  }

  private *adding(cells: UsageCells): Generator<void, void> {
    let done = 0;
    for (const { values, sums } of (yield* this.ofMonth(cells)).values()) {
      if ((done += 1) % PART === 0) yield;
      const name = JSON.stringify(values);
      const group = this.groups.get(name) ?? { values, ...noUsage() };
      this.groups.set(name, group);
      const totals = totalsOf(sums);
      addTotals(group, totals);
      addTotals(this.total, totals);
    }
  }

  report(): UsageReport {
    const groups = [...this.groups.values()].sort(
      (one, other) => other.cost - one.cost || other.calls - one.calls,
    );
    const { limit } = this.query;
    return { groups: groups.slice(0, limit), total: this.total, isTruncated: groups.length > limit };
  }

  /** Cells are compared by the numbers of their names: texts would take most of the time. */
  private *ofMonth(cells: UsageCells): Generator<void, Map<number | string, MonthGroup>> {
    const { numbers } = cells;
    const groups = new Map<number | string, MonthGroup>();
    const count = Math.max(cells.size, cells.names.length) + 1;
    // Groups of many names would have the same number.
    const isExact = count ** this.query.by.length < Number.MAX_SAFE_INTEGER;
    const groupings = this.query.by.map((name) => this.groupingOf(cells, name));
    const conditions = this.conditionsOf(cells);
    for (let at = 0; at < numbers.length; at += WIDTH) {
      if (at % (PART * WIDTH) === 0) yield;
      const slot = numbers[at] ?? 0;
      if (slot < this.first || slot >= this.end) continue;
      if (conditions.some(([place, wanted]) => numbers[at + place] !== wanted)) continue;
      const name = isExact
        ? groupings.reduce((number, { numberOf }) => number * count + numberOf(at), 0)
        : groupings.map(({ numberOf }) => numberOf(at)).join();
      let group = groups.get(name);
      if (!group) {
        const values = groupings.map((grouping) => grouping.values[grouping.numberOf(at)] ?? null);
        groups.set(name, (group = { values, sums: new Float64Array(SUMS.length) }));
      }
      const { sums } = group;
      for (let sum = 0; sum < sums.length; sum += 1)
        sums[sum] = (sums[sum] ?? 0) + (numbers[at + AT.sums + sum] ?? 0);
    }
    return groups;
  }

  /** What cells must have: a place in the cell, and the number of the name; -1 if no cell has that name. */
  private conditionsOf({ names }: UsageCells): [place: number, wanted: number][] {
    const { keyId, conversationId, model, provider, usageId } = this.query;
    const wanted = [
      [AT.key, keyId],
      [AT.conversation, conversationId],
      [AT.model, model],
      [AT.provider, provider],
      [AT.usageId, usageId],
    ] as const;
    return wanted.flatMap(([place, name]) => (name === undefined ? [] : [[place, names.indexOf(name)]]));
  }

  private groupingOf({ names, numbers }: UsageCells, name: UsageGroupName): Grouping {
    if (name === 'day')
      return derived(
        (at) => numbers[at] ?? 0,
        (slot) => this.dayFormat.format(slot * SLOT_MS),
      );
    if (name === 'tag') {
      const { tag = '' } = this.query;
      return derived(
        (at) => numbers[at + AT.tags] ?? 0,
        (tags) => tagIn(names[tags] ?? '', tag),
      );
    }
    const place = PLACES[name];
    return { numberOf: (at) => numbers[at + place] ?? 0, values: names };
  }
}

const PLACES = {
  model: AT.model,
  provider: AT.provider,
  key: AT.key,
  conversation: AT.conversation,
  usage_id: AT.usageId,
};

/** A grouping by a value that is made once for each number. */
function derived(sourceOf: (at: number) => number, valueOf: (source: number) => string | null): Grouping {
  const values: (string | null)[] = [];
  const bySource = new Map<number, number>();
  const byValue = new Map<string | null, number>();
  const numberOf = (at: number): number => {
    const source = sourceOf(at);
    const known = bySource.get(source);
    if (known !== undefined) return known;
    const value = valueOf(source);
    const number = byValue.get(value) ?? values.push(value) - 1;
    byValue.set(value, number);
    bySource.set(source, number);
    return number;
  };
  return { numberOf, values };
}

function tagIn(tags: string, name: string): string | null {
  const value = asJsonObject(tryParseJson(tags));
  return Object.hasOwn(value, name) ? String(value[name]) : null;
}

function totalsOf(sums: Float64Array): UsageTotals {
  const totals = noUsage();
  for (const [index, name] of SUMS.entries()) totals[name] = sums[index] ?? 0;
  return totals;
}
