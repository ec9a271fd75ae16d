import path from 'node:path';
import { isBranchEvent } from '../../../agent/index.js';
import { errorMessage } from '../../../errors/index.js';
import { linesOf, tryOpenPlainFile } from '../../../files/index.js';
import { asJsonObject } from '../../../json/index.js';
import { SourceFileError, type SourceFiles } from '../sources/source-files.js';
import type { EventFile } from './event-files.js';
import { tryParseForeign } from './foreign-json.js';
import type { ImportNotes } from './notes.js';
import { placeholder, readEvent, UnreadableEventError, type ReadEvent, type Reading } from './read-event.js';

/** A larger event is damaged. */
const MAX_EVENT_BYTES = 64 * 1024 * 1024;
/** How much is in memory at a time. */
const BATCH_EVENTS = 500;
const BATCH_CHARACTERS = 4 * 1024 * 1024;
/** In the place of a timestamp, before the first event. */
const NO_TIME = '1970-01-01T00:00:00.000000';

/** The events of a source in order. Each call of `batches` reads them anew. */
export interface SourceLog {
  /** Files that were damaged when the events were read last; relative to the conversation. */
  readonly damaged: readonly string[];
  /** It is a log of this server. */
  readonly isOwn: boolean;
  /** The timestamps of the first and the last event, as they are stored, as far as they are easily found. */
  ends(): Promise<[first: string | undefined, last: string | undefined]>;
  /** @param notes receives what is damaged */
  batches(reading: Reading, notes: ImportNotes): AsyncGenerator<ReadEvent[], void>;
}

/** A piece of a log: the bytes of an event, or why there are none. */
interface Piece {
  /** Of the file, or of the line. */
  label: string;
  /** As the name of the file says; undefined for a line. */
  id: string | undefined;
  file: string | undefined;
  content: Buffer | Error;
}

abstract class PiecewiseLog implements SourceLog {
  damaged: string[] = [];
  abstract readonly isOwn: boolean;
  abstract ends(): Promise<[string | undefined, string | undefined]>;

  protected abstract pieces(): AsyncGenerator<Piece, void>;

  async *batches(reading: Reading, notes: ImportNotes): AsyncGenerator<ReadEvent[], void> {
    this.damaged = [];
    const ids = new Set<string>();
    let [batch, size, head, timestamp] = [[] as ReadEvent[], 0, undefined as string | undefined, NO_TIME];
    for await (const piece of this.pieces()) {
      const read = this.read(piece, reading, notes, { timestamp, parent: head });
      const { event, record } = read;
      if (ids.has(event.id)) {
        notes.problem(`${piece.label} has the id of an earlier event, ${event.id}: left out`);
        if (piece.file !== undefined) this.damaged.push(piece.file);
        continue;
      }
      ids.add(event.id);
      timestamp = event.timestamp;
      if (isBranchEvent(event)) head = event.id;
      batch.push(read);
      size += record.line.length;
      if (batch.length < BATCH_EVENTS && size < BATCH_CHARACTERS) continue;
      yield batch;
      [batch, size] = [[], 0];
    }
    if (batch.length > 0) yield batch;
  }

  private read(
    { label, id, file, content }: Piece,
    reading: Reading,
    notes: ImportNotes,
    place: { timestamp: string; parent: string | undefined },
  ): ReadEvent {
    try {
      if (!Buffer.isBuffer(content)) throw content;
      const read = readEvent(content, reading);
      if (id !== undefined && read.event.id !== id)
        notes.problem(`${label} has another id than its name says: ${read.event.id}`);
      return read;
    } catch (error) {
      if (!(error instanceof UnreadableEventError || error instanceof SourceFileError)) throw error;
      notes.problem(`${label}: ${errorMessage(error)}: an error event is in its place`);
      if (file !== undefined) this.damaged.push(file);
      return placeholder(`This event could not be imported (${label}): ${errorMessage(error)}`, {
        id: id ?? label,
        ...place,
      });
    }
  }
}

/** The events of the original's layout: a file each. */
export class FilesLog extends PiecewiseLog {
  override readonly isOwn = false;

  constructor(
    private readonly files: SourceFiles,
    private readonly events: readonly EventFile[],
  ) {
    super();
  }

  override async ends(): Promise<[string | undefined, string | undefined]> {
    return [await this.timestampIn(this.events[0]), await this.timestampIn(this.events.at(-1))];
  }

  private async timestampIn(event: EventFile | undefined): Promise<string | undefined> {
    if (!event) return undefined;
    const content = await this.files.read(event.file, MAX_EVENT_BYTES).catch(() => undefined);
    return timestampOf(content?.toString() ?? '');
  }

  protected override async *pieces(): AsyncGenerator<Piece, void> {
    for (const { file, id } of this.events) {
      const content = await this.files.read(file, MAX_EVENT_BYTES).catch((error: unknown) => {
        if (error instanceof SourceFileError) return error;
        throw error;
      });
      yield { label: file, id, file, content: content ?? new SourceFileError('it is no file') };
    }
  }
}

/** The log of this server's file driver. */
export class LinesLog extends PiecewiseLog {
  override readonly isOwn = true;

  /** @param folder of the conversation */
  constructor(private readonly folder: string) {
    super();
  }

  override async ends(): Promise<[string | undefined, string | undefined]> {
    for await (const { content } of this.pieces()) return [timestampOf(content.toString()), undefined];
    return [undefined, undefined];
  }

  protected override async *pieces(): AsyncGenerator<Piece, void> {
    const file = await tryOpenPlainFile(path.join(this.folder, 'events.jsonl'));
    if (!file) return;
    try {
      let number = 0;
      for await (const line of linesOf(file)) {
        number += 1;
        const content = Buffer.from(line);
        yield { label: `line ${number} of events.jsonl`, id: undefined, file: undefined, content };
      }
    } finally {
      await file.handle.close();
    }
  }
}

function timestampOf(line: string): string | undefined {
  const { timestamp } = asJsonObject(tryParseForeign(line));
  return typeof timestamp === 'string' ? timestamp : undefined;
}
