import type { FileHandle } from 'node:fs/promises';
import { InvalidRequestError } from '../../../errors/index.js';
import { tryOpenPlainFile } from '../../../files/index.js';
import { SerialQueue } from '../../../flow/index.js';
import { isJsonObject, tryParseJson } from '../../../json/index.js';
import {
  AUDIT_OUTCOMES,
  AuditLog,
  type AuditEntry,
  type AuditLogOptions,
  type AuditPage,
  type AuditQuery,
} from '../../audit-log.js';
import { toStorageError } from '../../storage-errors.js';
import { AuditSegments, type OpenSegment } from './audit-segments.js';
import { linesBackwards } from './lines-backwards.js';

/** Bytes that one page looks at: a rare match must not hold up the server. The next page goes on. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;
/** The position behind any file. */
const WHOLE_FILE = 999_999_999_999_999;
const PAGE_ID = /^([\dT.Z-]+-[0-9a-f]{8}\.jsonl)@(\d{1,15})$/;

/** Entries as JSON lines in a folder of their own, readable by its owner only. */
export class FileAuditLog extends AuditLog {
  private readonly segments: AuditSegments;
  private readonly turns = new SerialQueue();
  private current: OpenSegment | undefined;

  constructor(private readonly options: AuditLogOptions) {
    super();
    this.segments = new AuditSegments(options.folder, options);
  }

  append(entries: readonly AuditEntry[]): Promise<void> {
    const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    return this.turns.run(async () => {
      try {
        await this.write(Buffer.from(text));
      } catch (error) {
        throw toStorageError(error);
      }
    });
  }

  async page(query: AuditQuery): Promise<AuditPage> {
    const from = placeOf(query.pageId);
    const items: AuditEntry[] = [];
    let left = MAX_PAGE_BYTES;
    let newerBegins: string | undefined;
    try {
      for (const name of await this.segments.names()) {
        // Its entries are older than those of the file that was begun after it.
        if (isBefore(newerBegins, query.from)) break;
        newerBegins = name;
        if (from !== undefined && name > from.name) continue;
        if (items.length >= query.limit) return { items, nextPageId: `${name}@${WHOLE_FILE}` };
        const end = name === from?.name ? from.offset : Infinity;
        const next = await this.readSegment(name, end, left, query, items);
        if (next.offset > 0) return { items, nextPageId: `${name}@${next.offset}` };
        left -= next.read;
      }
      return { items, nextPageId: null };
    } catch (error) {
      throw toStorageError(error);
    }
  }

  async sweep(): Promise<void> {
    await this.segments.sweep();
  }

  async close(): Promise<void> {
    await this.turns.run(() => this.release());
  }

  /**
   * Adds the matching entries of a file before a position, the last one first.
   * @returns where to go on in it, 0 at its beginning, and the bytes that were read
   */
  private async readSegment(
    name: string,
    end: number,
    maxBytes: number,
    query: AuditQuery,
    items: AuditEntry[],
  ): Promise<{ offset: number; read: number }> {
    const file = await tryOpenPlainFile(this.segments.pathOf(name));
    if (!file) return { offset: 0, read: 0 };
    try {
      const size = Math.min(end, file.stats.size);
      for await (const { text, start } of linesBackwards(file.handle, size)) {
        const entry = readEntry(text);
        if (entry && matches(entry, query)) items.push(entry);
        if (items.length >= query.limit || size - start >= maxBytes)
          return { offset: start, read: size - start };
      }
      return { offset: 0, read: size };
    } finally {
      await file.handle.close();
    }
  }

  private async write(bytes: Buffer): Promise<void> {
    const segment = await this.segment();
    const { handle } = segment;
    const { size } = await handle.stat();
    // What a crash has left of a line becomes a line of its own, which readers skip.
    const text = segment.isTorn ? Buffer.concat([Buffer.from('\n'), bytes]) : bytes;
    let written = 0;
    try {
      while (written < text.length) written += (await handle.write(text, written)).bytesWritten;
    } catch (error) {
      if (written > 0) segment.isTorn = !(await isCutBack(handle, size, written));
      throw error;
    }
    segment.isTorn = false;
    if (this.options.isFlushed) await handle.datasync();
  }

  private async segment(): Promise<OpenSegment> {
    const { current } = this;
    if (current && !this.segments.isOver(current.name, await current.handle.stat())) return current;
    await this.release();
    this.current = await this.segments.open();
    await this.segments.sweep();
    return this.current;
  }

  private async release(): Promise<void> {
    const { current } = this;
    this.current = undefined;
    await current?.handle.close();
  }
}

/** Removes what was written in part, unless another server has appended since. */
async function isCutBack(handle: FileHandle, size: number, written: number): Promise<boolean> {
  try {
    if ((await handle.stat()).size !== size + written) return false;
    await handle.truncate(size);
    return true;
  } catch {
    return false;
  }
}

function placeOf(pageId: string | undefined): { name: string; offset: number } | undefined {
  if (pageId === undefined) return undefined;
  const [, name, offset] = PAGE_ID.exec(pageId) ?? [];
  if (name === undefined)
    throw new InvalidRequestError(['query', 'page_id'], 'Not the next_page_id of a page', pageId);
  return { name, offset: Number(offset) };
}

/** Whether a file was begun before a time; both begin with the date, but differ in the form of the time. */
function isBefore(name: string | undefined, time: string | undefined): boolean {
  if (name === undefined || time === undefined) return false;
  return name.slice(0, 17) < time.replaceAll(':', '').slice(0, 17);
}

function matches(entry: AuditEntry, query: AuditQuery): boolean {
  const { key, operation, conversationId, outcome, from, before } = query;
  return (
    (key === undefined || entry.key_id === key || entry.key_name === key) &&
    (operation === undefined || entry.operation.toLowerCase().includes(operation.toLowerCase())) &&
    (conversationId === undefined || entry.conversation_id === conversationId) &&
    (outcome === undefined || entry.outcome === outcome) &&
    (from === undefined || entry.time >= from) &&
    (before === undefined || entry.time < before)
  );
}

/** Reads a line as we have written it; undefined for anything else, such as what a crash has left. */
function readEntry(line: string): AuditEntry | undefined {
  const value = tryParseJson(line);
  return isJsonObject(value) && isEntry(value) ? value : undefined;
}

function isEntry(value: object): value is AuditEntry {
  const entry: Partial<Record<keyof AuditEntry, unknown>> = value;
  const texts = [entry.id, entry.time, entry.operation];
  const optional = [entry.key_id, entry.key_name, entry.address, entry.conversation_id];
  return (
    texts.every((text) => typeof text === 'string') &&
    optional.every((text) => text === null || typeof text === 'string') &&
    AUDIT_OUTCOMES.some((outcome) => outcome === entry.outcome) &&
    (entry.status === null || typeof entry.status === 'number') &&
    typeof entry.duration_ms === 'number' &&
    typeof entry.count === 'number'
  );
}
