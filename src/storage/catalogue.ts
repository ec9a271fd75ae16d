import type { JsonObject } from '../json/index.js';
import type { LeaseFence } from './lease-store.js';

/** The few fields by which conversations are listed, kept in memory for all of them. */
export interface CatalogueEntry {
  /** Dashed UUID. */
  id: string;
  created_at: string;
  updated_at: string;
  execution_status: string;
  /** The conversation that it was made for. */
  parent_conversation_id: string | null;
}

/**
 * What stands in `metadata.json`: the fields of the entry, everything else the conversation is, and
 * `log_position`.
 */
export type StoredMetadata = CatalogueEntry & JsonObject;

/**
 * All conversations of a store. The entries are read in the background after start; whoever needs them waits
 * for that. Broken metadata leaves its conversation out of the list and is reported once.
 */
export abstract class Catalogue {
  /** All entries, newest last by `created_at`. */
  abstract list(): Promise<readonly CatalogueEntry[]>;
  /** The ids of the conversations that were made for this one, oldest first. */
  abstract childrenOf(id: string): Promise<string[]>;
  abstract has(id: string): Promise<boolean>;
  /**
   * The stored metadata, or undefined for an unknown conversation.
   * @throws DamagedConversationError when there is a conversation, but its metadata cannot be read
   */
  abstract load(id: string): Promise<StoredMetadata | undefined>;
  /**
   * Another one whenever the stored metadata was changed, by whomever; undefined where there is none, or it
   * changed so lately that the next change may not be seen.
   */
  abstract stampOf(id: string): Promise<string | undefined>;
  /**
   * Says that a conversation is being made: until it is saved there is none, whatever a crash leaves of it.
   */
  abstract begin(id: string): Promise<void>;
  /**
   * Replaces the metadata atomically (temporary file, fsync, rename, fsync of the folder) and updates the
   * entry.
   */
  abstract save(metadata: StoredMetadata, fence: LeaseFence): Promise<void>;
  /** Updates the entry in memory only: what the open conversation says of itself. */
  abstract touch(entry: CatalogueEntry): void;
  /** Removes a conversation and all its files. */
  abstract remove(id: string): Promise<void>;
  /**
   * Where this conversation's own files go (long outputs, task lists); a driver without files gives a local
   * folder.
   */
  abstract folder(id: string): string;
}
