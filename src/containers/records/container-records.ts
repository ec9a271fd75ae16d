import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { ownerFilter } from '../../conversations/index.js';
import type { Cipher, SecretCodec } from '../../crypto/index.js';
import { errorCode, errorMessage } from '../../errors/index.js';
import { makeFolder, readPlainFile, replaceFile, syncFolder, undefinedIfMissing } from '../../files/index.js';
import { forEachBounded, KeyedSerialQueue } from '../../flow/index.js';
import type { ReservedConversations } from '../../storage/index.js';
import { dashedUuid } from '../../text/index.js';
import { type ContainerRecord, formatRecord, ownerInText, parseRecord } from './container-record.js';

const FILE = /^([0-9a-f]{32})\.json$/;
/** Marks a conversation whose home and workspace are gone, beside its record, as in the original. */
const MARKER = /^([0-9a-f]{32})\.archived\.json$/;
const MAX_PARALLEL_READS = 8;

/**
 * The records of all conversations in containers, as files in a folder that no container sees, and in memory.
 * A conversation with a record is never opened by this server, whatever becomes of the record.
 */
export class ContainerRecords {
  private readonly logger = new Logger('Containers');
  private readonly records = new Map<string, ContainerRecord>();
  /** Conversations that this process creates. */
  private readonly fresh = new Set<string>();
  /** Those of them that have failed, and left something that could not be removed yet. */
  private readonly failed = new Set<string>();
  /** Writes and removals of each record. */
  private readonly writes = new KeyedSerialQueue();
  private readonly archived = new Set<string>();
  /** Why records cannot be used, by conversation. */
  private readonly broken = new Map<string, string>();

  constructor(
    private readonly folder: string,
    private readonly cipher: Cipher,
    private readonly codec: SecretCodec,
    private readonly reserved: ReservedConversations,
  ) {}

  /** Reads all records. To be called before anything opens conversations. */
  async load(): Promise<void> {
    await makeFolder(this.folder, 0o700);
    const names = await readdir(this.folder);
    const ids = names.flatMap((name) => FILE.exec(name)?.[1] ?? []).map(dashedUuid);
    await forEachBounded(ids, MAX_PARALLEL_READS, (id) => this.read(id));
    for (const name of names) {
      const hex = MARKER.exec(name)?.[1];
      if (hex !== undefined) this.archived.add(dashedUuid(hex));
    }
  }

  get all(): readonly ContainerRecord[] {
    return [...this.records.values()];
  }

  /** Whether a conversation runs in a container. */
  has(id: string): boolean {
    return this.records.has(id) || this.broken.has(id);
  }

  get(id: string): ContainerRecord | undefined {
    return this.records.get(id);
  }

  /** Whether a conversation in a container exists for a principal. */
  isVisible(id: string, principal: Principal): boolean {
    const owner = ownerFilter(principal);
    return owner === undefined || this.reserved.ownerOf(id) === owner;
  }

  /** Why the record of a conversation cannot be used. */
  problemOf(id: string): string | undefined {
    return this.broken.get(id);
  }

  /** Whether a conversation is being created by this process: nobody else finishes that. */
  isNew(id: string): boolean {
    return this.fresh.has(id);
  }

  /** Whether the creation of a conversation has failed, and its client was told so. */
  hasFailed(id: string): boolean {
    return this.failed.has(id);
  }

  /** The creation of a conversation has failed, and what it has left is to be removed later. */
  giveUp(id: string): void {
    this.fresh.delete(id);
    this.failed.add(id);
  }

  /** Durable when it resolves. */
  async save(record: ContainerRecord): Promise<void> {
    const { conversationId: id } = record;
    if (record.isCreated) this.fresh.delete(id);
    else this.fresh.add(id);
    this.keep(record);
    await this.writes.run(id, async () => {
      const latest = this.records.get(id);
      if (!latest) return;
      await replaceFile(this.fileOf(id), formatRecord(latest, this.cipher), {
        mode: 0o600,
        replacesLink: true,
        flush: 'content and name',
      });
    });
  }

  /** As `save`, with changed fields. Does nothing if the record was removed. */
  async change(
    id: string,
    fields: Partial<Pick<ContainerRecord, 'isCreated' | 'countedUsd'>>,
  ): Promise<void> {
    const record = this.records.get(id);
    if (record) await this.save({ ...record, ...fields });
  }

  /** Whether only the history of a conversation is left. */
  isArchived(id: string): boolean {
    return this.archived.has(id);
  }

  /** Durable when it resolves. */
  async archive(id: string): Promise<void> {
    await replaceFile(this.markerOf(id), JSON.stringify({ archived_at: new Date().toISOString() }), {
      mode: 0o600,
      replacesLink: true,
      flush: 'content and name',
    });
    this.archived.add(id);
  }

  /** The last step of a deletion: until then it can be repeated. */
  async remove(id: string): Promise<void> {
    await this.writes.run(id, async () => {
      await rm(this.fileOf(id), { force: true });
      await rm(this.markerOf(id), { force: true });
      await syncFolder(this.folder);
      this.records.delete(id);
    });
    this.broken.delete(id);
    this.archived.delete(id);
    this.fresh.delete(id);
    this.failed.delete(id);
    this.reserved.delete(id);
    this.codec.useKey(id, undefined);
  }

  private async read(id: string): Promise<void> {
    this.reserved.add(id, null);
    try {
      const text = await readPlainFile(this.fileOf(id)).catch(undefinedIfMissing);
      if (text === undefined) return;
      this.reserved.add(id, ownerInText(text));
      this.keep(parseRecord(text, id, this.cipher));
    } catch (error) {
      const reason = errorCode(error) ?? errorMessage(error);
      this.broken.set(id, reason);
      this.logger.error(
        `conversation ${id} cannot be served in its container: ${this.fileOf(id)}: ${reason}`,
      );
    }
  }

  private keep(record: ContainerRecord): void {
    const { conversationId: id, encryptionKey, ownerKey } = record;
    this.records.set(id, record);
    this.reserved.add(id, ownerKey);
    this.codec.useKey(id, encryptionKey);
  }

  private markerOf(id: string): string {
    return this.fileOf(id).replace(/\.json$/, '.archived.json');
  }

  private fileOf(id: string): string {
    return path.join(this.folder, `${id.replaceAll('-', '')}.json`);
  }
}
