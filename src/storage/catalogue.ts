import type { JsonObject } from '../json/index.js';
import type { LeaseFence } from './lease-store.js';

/** The fields by which conversations are listed. They are kept in memory for all conversations. */
export interface CatalogueEntry {
  /** Dashed UUID. */
  id: string;
  created_at: string;
  updated_at: string;
  execution_status: string;
  /** The conversation that created it. */
  parent_conversation_id: string | null;
  /** The id of the key that it was created with; null: a session key. */
  owner_key: string | null;
}

/** The fields of an entry alone. Metadata of older versions lack the owner, some also the parent. */
export function catalogueEntry(
  source: Omit<CatalogueEntry, 'parent_conversation_id' | 'owner_key'> &
    Record<'parent_conversation_id' | 'owner_key', unknown>,
): CatalogueEntry {
  const {
    id,
    created_at,
    updated_at,
    execution_status,
    parent_conversation_id: parent,
    owner_key: owner,
  } = source;
  return {
    id,
    created_at,
    updated_at,
    execution_status,
    parent_conversation_id: typeof parent === 'string' ? parent : null,
    owner_key: typeof owner === 'string' ? owner : null,
  };
}

/** The order of a list. Entries with the same time of update have the order of their creation. */
export type CatalogueOrder = 'CREATED_AT' | 'UPDATED_AT' | 'CREATED_AT_DESC' | 'UPDATED_AT_DESC';

/** A place in a list: that of an entry, whether or not it is still there. */
export type CatalogueCursor = Pick<CatalogueEntry, 'id' | 'created_at' | 'updated_at'>;

/** A page of a list. */
export interface CatalogueQuery {
  order: CatalogueOrder;
  /** How many entries at most. */
  limit: number;
  /** Only entries with this `execution_status`. */
  status?: string;
  /** Only entries that belong to this key. */
  ownerKey?: string;
  /**
   * Dashed id of the conversation at whose place the page begins, even if its status no longer matches. The
   * first page for an unknown one, and for one that belongs to another key than `ownerKey`.
   */
  from?: string;
  /** The page begins behind this place, instead of at a conversation that may have another one meanwhile. */
  after?: CatalogueCursor;
}

/** The content of `metadata.json`: the fields of the entry, the rest of the state, and `log_position`. */
export type StoredMetadata = CatalogueEntry & JsonObject;

/**
 * All stored conversations, for any server. Only the holder of a lease changes its conversation. A
 * conversation with damaged metadata is not listed; the damage is logged once.
 */
export abstract class Catalogue {
  /** The entries of a page. */
  abstract page(query: CatalogueQuery): Promise<CatalogueEntry[]>;
  /** How many conversations there are; of them those that have a status, or belong to a key. */
  abstract count(status?: string, ownerKey?: string): Promise<number>;
  /** The entry of a conversation; undefined if it is unknown or damaged. */
  abstract entry(id: string): Promise<CatalogueEntry | undefined>;
  /** The ids of the conversations that this one created, oldest first. */
  abstract childrenOf(id: string): Promise<string[]>;
  abstract has(id: string): Promise<boolean>;
  /**
   * The stored metadata, or undefined for an unknown conversation.
   * @throws DamagedConversationError when the conversation exists but its metadata cannot be read
   */
  abstract load(id: string): Promise<StoredMetadata | undefined>;
  /** As `load` for many, in the given order; undefined also for those that are damaged or cannot be read. */
  abstract loadMany(ids: readonly string[]): Promise<(StoredMetadata | undefined)[]>;
  /**
   * A value that changes with every change of the stored metadata, also by other servers. Undefined if
   * there is no metadata, or if it changed so recently that a further change could leave the value the same.
   */
  abstract stampOf(id: string): Promise<string | undefined>;
  /** As `stampOf` for many, in the given order. */
  abstract stampsOf(ids: readonly string[]): Promise<(string | undefined)[]>;
  /**
   * Marks a conversation as being created: until its first `save` it does not exist, whatever a crash leaves
   * behind.
   */
  abstract beginCreation(id: string, fence: LeaseFence): Promise<void>;
  /** Replaces the metadata atomically and updates the entry. Durable when it resolves. */
  abstract save(metadata: StoredMetadata, fence: LeaseFence): Promise<void>;
  /** The entry of an open conversation as it is now, for lists. A `save` follows; it may be stored later. */
  abstract updateEntry(entry: CatalogueEntry): void;
  /** Removes a conversation: its metadata, its log and its folder. */
  abstract remove(id: string): Promise<void>;
  /**
   * Tries again to remove what removals have left, such as folders that could not be removed.
   * @returns how many were removed, and what still could not be
   */
  abstract removeLeftovers(): Promise<{ removed: number; failures: string[] }>;
}
