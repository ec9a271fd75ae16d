import { rm } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import { errorMessage } from '../../../errors/index.js';
import {
  Catalogue,
  catalogueEntry,
  type CatalogueEntry,
  type CatalogueQuery,
  type StoredMetadata,
} from '../../catalogue.js';
import type { ConversationFolders } from '../../conversation-folders.js';
import type { LeaseFence } from '../../lease-store.js';
import { DamagedConversationError, LeaseHeldError, LeaseLostError } from '../../storage-errors.js';
import type { Repeatable } from '../database/index.js';
import * as statements from './catalogue-statements.js';
import { EntryUpdates } from './entry-updates.js';
import { JoinedLookups } from './joined-lookups.js';
import { entryOf, metadataOf, type EntryRow, type MetadataRow } from './stored-content.js';

/** How many events a statement of a removal removes: it must end within the time limit of statements. */
const REMOVED_AT_ONCE = 5000;
/** How many contents are read at a time: each may have megabytes. */
const LOADED_AT_ONCE = 50;
const MAX_LEFTOVERS = 100;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What the catalogue needs to know of leases. */
interface Leases {
  /** The id of this server. */
  readonly serverId: string;
  fenceOf(conversationId: string): LeaseFence | undefined;
  /** Calls `listener` when this server no longer has a conversation. */
  onGone(listener: (conversationId: string) => void): void;
}

/** The conversations in the tables `conversation` and `metadata`. */
export class PostgresCatalogue extends Catalogue {
  private readonly logger = new Logger('Catalogue');
  private readonly updates: EntryUpdates;
  /** How many saves were begun: one that is late must not follow a later one. */
  private saves = 0;
  /** Damaged conversations by their version. They are not listed as long as it is the same. */
  private readonly broken = new Map<string, number>();
  private readonly stamps = new JoinedLookups((ids) => this.versionsOf(ids));
  private readonly children = new JoinedLookups((ids) => this.childrenOfMany(ids));

  /** Folders of deleted conversations that could not be removed: they were logged. */
  private readonly unremovable = new Set<string>();

  constructor(
    private readonly database: Repeatable,
    private readonly leases: Leases,
    private readonly folders: ConversationFolders,
    /** Tells the other servers that what is stored of a conversation has changed. */
    private readonly tellChange: (id: string) => void = () => undefined,
  ) {
    super();
    this.updates = new EntryUpdates(database, tellChange);
    leases.onGone((id) => this.updates.forget(id));
  }

  override async page(query: CatalogueQuery): Promise<CatalogueEntry[]> {
    const found: CatalogueEntry[] = [];
    let start = await this.startOf(query);
    for (;;) {
      const limit = query.limit - found.length;
      if (limit <= 0) return found;
      const { text, values } = statements.pageStatement({ ...query, limit }, start);
      const { rows } = await this.database.read<EntryRow>(text, values);
      found.push(...rows.flatMap((row) => this.listed(row) ?? []));
      const last = rows.at(-1);
      // More are read only in the place of damaged ones.
      if (!last || rows.length < limit) return found;
      start = { place: last, isIncluded: false };
    }
  }

  private async startOf({
    from,
    after,
    ownerKey,
  }: CatalogueQuery): Promise<statements.PageStart | undefined> {
    if (after) return { place: after, isIncluded: false };
    const place = from === undefined ? undefined : await this.entry(from);
    // That of somebody else would tell when that one was created.
    const isListed = place && (ownerKey === undefined || place.owner_key === ownerKey);
    return isListed ? { place, isIncluded: true } : undefined;
  }

  override async count(status?: string, ownerKey?: string): Promise<number> {
    const { text, values } = statements.countStatement({ status, ownerKey });
    const { rows } = await this.database.read<{ count: number }>(text, values);
    return rows[0]?.count ?? 0;
  }

  override async entry(id: string): Promise<CatalogueEntry | undefined> {
    const row = await this.row(id);
    return row && this.listed(row);
  }

  override async has(id: string): Promise<boolean> {
    return (await this.row(id)) !== undefined;
  }

  override async childrenOf(id: string): Promise<string[]> {
    return (await this.children.of(id)) ?? [];
  }

  override async load(id: string): Promise<StoredMetadata | undefined> {
    const [row] = await this.contents([id]);
    if (!row) return undefined;
    try {
      return metadataOf(row);
    } catch (error) {
      this.reportBroken(row, error);
      throw new DamagedConversationError(id, `its stored metadata: ${errorMessage(error)}`);
    }
  }

  override async loadMany(ids: readonly string[]): Promise<(StoredMetadata | undefined)[]> {
    const loaded = new Map<string, StoredMetadata>();
    for (let at = 0; at < ids.length; at += LOADED_AT_ONCE) {
      for (const row of await this.contents(ids.slice(at, at + LOADED_AT_ONCE))) {
        try {
          loaded.set(row.id, metadataOf(row));
        } catch (error) {
          this.reportBroken(row, error);
        }
      }
    }
    return ids.map((id) => loaded.get(id));
  }

  override stampOf(id: string): Promise<string | undefined> {
    return this.stamps.of(id);
  }

  override async stampsOf(ids: readonly string[]): Promise<(string | undefined)[]> {
    const versions = await this.versionsOf(ids);
    return ids.map((id) => versions.get(id));
  }

  /** Without metadata there is no conversation. */
  override async beginCreation(): Promise<void> {
    // Nothing to mark.
  }

  override async save(metadata: StoredMetadata, fence: LeaseFence): Promise<void> {
    const entry = catalogueEntry(metadata);
    const { id, created_at, updated_at, execution_status, parent_conversation_id, owner_key } = entry;
    const values: unknown[] = [id, created_at, updated_at, execution_status, parent_conversation_id];
    const content = JSON.stringify(metadata);
    this.saves += 1;
    values.push(content, fence.generation, this.saves, owner_key);
    const { rows } = await this.database.read<{ held: boolean }>(statements.SAVE, values);
    if (!rows[0]?.held) throw new LeaseLostError(id);
    this.updates.saved(metadata);
    this.tellChange(id);
  }

  override updateEntry(entry: CatalogueEntry): void {
    const fence = this.leases.fenceOf(entry.id);
    if (fence) this.updates.add(entry, fence.generation);
  }

  override async remove(id: string): Promise<void> {
    const { rows } = await this.database.read<{ length: number }>(statements.BEGIN_REMOVAL, [
      id,
      this.leases.serverId,
    ]);
    const [row] = rows;
    if (row) await this.removeRest(id, row.length);
    else if (await this.has(id)) throw new LeaseHeldError(id);
    this.tellChange(id);
    await this.removeFolder(this.folders.folder(id));
  }

  /** Removes what dead servers have left of creations and removals. */
  override async removeLeftovers(): Promise<{ removed: number; failures: string[] }> {
    const { rows } = await this.database.read<{ id: string }>(statements.LEFTOVERS, [MAX_LEFTOVERS]);
    for (const { id } of rows) await this.remove(id);
    const failures: string[] = [];
    for (const folder of [...this.unremovable]) {
      const failure = await this.removeFolder(folder);
      if (failure !== undefined) failures.push(failure);
    }
    return { removed: rows.length, failures };
  }

  /** Stores what lists show of open conversations. */
  async close(): Promise<void> {
    await this.updates.flush();
  }

  private async versionsOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { rows } = await this.database.read<EntryRow>(statements.STAMPS, [ids.filter(isUuid)]);
    return new Map(rows.map(({ id, version }) => [id, String(version)]));
  }

  private async childrenOfMany(ids: readonly string[]): Promise<ReadonlyMap<string, string[]>> {
    const { rows } = await this.database.read<{ id: string; parent: string }>(statements.CHILDREN, [
      ids.filter(isUuid),
    ]);
    const children = new Map<string, string[]>();
    for (const { id, parent } of rows) {
      const others = children.get(parent);
      if (others) others.push(id);
      else children.set(parent, [id]);
    }
    return children;
  }

  private async removeRest(id: string, length: number): Promise<void> {
    this.updates.forget(id);
    this.broken.delete(id);
    for (let from = 0; from < length; from += REMOVED_AT_ONCE)
      await this.database.read(statements.REMOVE_EVENTS, [id, from, from + REMOVED_AT_ONCE]);
    await this.database.read(statements.END_REMOVAL, [id]);
  }

  /** @returns why it could not be removed */
  private async removeFolder(folder: string): Promise<string | undefined> {
    try {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
      this.unremovable.delete(folder);
      return undefined;
    } catch (error) {
      const failure = `${folder} could not be removed: ${errorMessage(error)}`;
      if (!this.unremovable.has(folder)) this.logger.warn(failure);
      this.unremovable.add(folder);
      return failure;
    }
  }

  private async row(id: string): Promise<EntryRow | undefined> {
    if (!isUuid(id)) return undefined;
    return (await this.database.read<EntryRow>(statements.ENTRY_OF, [id])).rows[0];
  }

  private async contents(ids: readonly string[]): Promise<MetadataRow[]> {
    return (await this.database.read<MetadataRow>(statements.LOAD, [ids.filter(isUuid)])).rows;
  }

  private listed(row: EntryRow): CatalogueEntry | undefined {
    if (this.broken.get(row.id) === row.version) return undefined;
    const entry = entryOf(row);
    if (!entry) this.reportBroken(row, new Error('a time is not valid'));
    return entry;
  }

  private reportBroken({ id, version }: EntryRow, error: unknown): void {
    if (this.broken.get(id) === version) return;
    this.broken.set(id, version);
    this.logger.error(`conversation ${id} is left out: its stored metadata: ${errorMessage(error)}`);
  }
}

function isUuid(id: string): boolean {
  return UUID.test(id);
}
