import {
  addTotals,
  noUsage,
  SLOT_MS,
  slotOf,
  type UsageGroup,
  type UsageGroupName,
  type UsageQuery,
  type UsageReport,
} from '../../usage-ledger.js';
import type { UsageCell } from './usage-cells.js';

/** Sums up cells as a query asks. */
export class CellGroups {
  private readonly groups = new Map<string, UsageGroup>();
  private readonly total = noUsage();
  private readonly days: Days;
  private readonly first: number;
  private readonly end: number;

  constructor(private readonly query: UsageQuery) {
    this.days = new Days(query.timeZone);
    this.first = query.from === undefined ? -Infinity : slotOf(query.from);
    this.end = query.before === undefined ? Infinity : Math.ceil(query.before / SLOT_MS);
  }

  add(cells: Iterable<UsageCell>): void {
    for (const cell of cells) {
      if (!this.matches(cell)) continue;
      addTotals(this.total, cell);
      const values = this.query.by.map((name) => this.valueOf(cell, name));
      const name = JSON.stringify(values);
      const group = this.groups.get(name) ?? { values, ...noUsage() };
      this.groups.set(name, group);
      addTotals(group, cell);
    }
  }

  report(): UsageReport {
    const groups = [...this.groups.values()].sort(
      (one, other) => other.cost - one.cost || other.calls - one.calls,
    );
    const { limit } = this.query;
    return { groups: groups.slice(0, limit), total: this.total, isTruncated: groups.length > limit };
  }

  private matches(cell: UsageCell): boolean {
    const { keyId, conversationId, model, provider, usageId } = this.query;
    return (
      cell.slot >= this.first &&
      cell.slot < this.end &&
      (keyId === undefined || cell.key === keyId) &&
      (conversationId === undefined || cell.conversation === conversationId) &&
      (model === undefined || cell.model === model) &&
      (provider === undefined || cell.provider === provider) &&
      (usageId === undefined || cell.usageId === usageId)
    );
  }

  private valueOf(cell: UsageCell, name: UsageGroupName): string | null {
    switch (name) {
      case 'day':
        return this.days.of(cell.slot);
      case 'model':
        return cell.model;
      case 'provider':
        return cell.provider;
      case 'key':
        return cell.key;
      case 'conversation':
        return cell.conversation;
      case 'usage_id':
        return cell.usageId;
      case 'tag': {
        const { tag = '' } = this.query;
        return Object.hasOwn(cell.tags, tag) ? (cell.tags[tag] ?? null) : null;
      }
    }
  }
}

/** The days of slots in a time zone. */
class Days {
  private readonly format: Intl.DateTimeFormat;
  private readonly known = new Map<number, string>();

  constructor(timeZone: string) {
    // The dates of Sweden are those of ISO 8601.
    this.format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' });
  }

  of(slot: number): string {
    const known = this.known.get(slot) ?? this.format.format(slot * SLOT_MS);
    this.known.set(slot, known);
    return known;
  }
}
