import { randomUUID } from 'node:crypto';
import type { CatalogueEntry, CatalogueQuery, StoredMetadata } from '../../src/storage/index.js';

/** Metadata of a conversation that was created and updated at a time with this number. */
export function metadataAt(number: number, more: Partial<StoredMetadata> = {}): StoredMetadata {
  const time = new Date(Date.UTC(2026, 0, 1, 0, 0, number)).toISOString().replace('Z', '000Z');
  return {
    id: randomUUID(),
    created_at: time,
    updated_at: time,
    execution_status: 'idle',
    parent_conversation_id: null,
    owner_key: null,
    ...more,
  };
}

/** The fields of lists. */
export function entryOf(metadata: StoredMetadata): CatalogueEntry {
  const { id, created_at, updated_at, execution_status, parent_conversation_id, owner_key } = metadata;
  return { id, created_at, updated_at, execution_status, parent_conversation_id, owner_key };
}

/** What a catalogue has to do, in memory. */
export class CatalogueModel {
  private readonly stored = new Map<string, StoredMetadata>();

  get all(): StoredMetadata[] {
    return [...this.stored.values()];
  }

  save(metadata: StoredMetadata): void {
    this.stored.set(metadata.id, metadata);
  }

  remove(id: string): void {
    this.stored.delete(id);
  }

  page({ order, limit, status, from, ownerKey }: CatalogueQuery): CatalogueEntry[] {
    const listed = this.all.map(entryOf).filter((it) => ownerKey === undefined || it.owner_key === ownerKey);
    const sorted = listed.sort((a, b) => (keyOf(a, order) < keyOf(b, order) ? -1 : 1));
    if (order.endsWith('_DESC')) sorted.reverse();
    const start = sorted.findIndex(({ id }) => id === from);
    return sorted
      .slice(Math.max(0, start))
      .filter((entry) => status === undefined || entry.execution_status === status)
      .slice(0, limit);
  }

  count(status: string, ownerKey?: string): number {
    return this.all
      .filter((one) => ownerKey === undefined || one.owner_key === ownerKey)
      .filter((one) => one.execution_status === status).length;
  }

  childrenOf(id: string): string[] {
    return this.page({ order: 'CREATED_AT', limit: Infinity })
      .filter((entry) => entry.parent_conversation_id === id)
      .map((entry) => entry.id);
  }
}

function keyOf({ id, created_at, updated_at }: CatalogueEntry, order: string): string {
  return order.startsWith('UPDATED_AT') ? `${updated_at} ${created_at} ${id}` : `${created_at} ${id}`;
}
