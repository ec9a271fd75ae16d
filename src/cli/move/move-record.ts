import { randomUUID } from 'node:crypto';
import { asJsonObject, asText, type JsonObject } from '../../json/index.js';
import { isUserDocument } from '../../storage/index.js';
import { CopyError } from '../copying/copy-error.js';
import type { StorageSide } from './storage-side.js';

/** The document with the record, beside the conversations. */
const RECORD = '.move.json';

/** What a place remembers of its last move. Both places have the same, but for ids and roles. */
interface MoveRecord {
  /** Identifies the place. */
  id: string;
  /** The other place of the move. */
  peer: string;
  /** Whether everything came from here or to here. */
  role: 'source' | 'target';
  /** When it began, and when it was completed. */
  began: string;
  completed: string | null;
  /** SHA-256 of the documents as they were moved, by name: who has changed them since is found by this. */
  documents: Record<string, string>;
}

/** A move between two places, as both remember it. */
export class MoveRecords {
  private constructor(
    private readonly from: StorageSide,
    private readonly to: StorageSide,
    private readonly source: MoveRecord,
    private readonly target: MoveRecord,
    /** Whether these places took part in a move with each other before. */
    readonly isContinued: boolean,
  ) {}

  /**
   * Decides whether everything may be moved from one place to the other.
   * @throws CopyError if the target holds something that did not come from there, or if this was done before
   */
  static async begin(from: StorageSide, to: StorageSide, again: boolean): Promise<MoveRecords> {
    const [source, target] = await Promise.all([read(from), read(to)]);
    const isContinued = source !== undefined && target?.peer === source.id && source.peer === target.id;
    if (!isContinued && !(await isEmpty(to)))
      throw new CopyError(
        `${to.place.label} is not empty, and what it holds was not moved from ${from.place.label}: ` +
          'give a new folder or an empty database (a place remembers only its last move)',
      );
    if (isContinued && target.role === 'target' && target.completed !== null && !again)
      throw new CopyError(
        `this was moved completely on ${target.completed}, and may have been used since: ` +
          'nothing was done. With --again what is missing at the target is moved',
      );
    const documents = isContinued ? target.documents : {};
    const [id, peer] = isContinued ? [source.id, target.id] : [source?.id ?? randomUUID(), randomUUID()];
    const began = isContinued && target.role === 'target' ? target.began : new Date().toISOString();
    const record = { began, completed: null, documents: { ...documents } };
    return new MoveRecords(
      from,
      to,
      { ...record, id, peer, role: 'source' },
      { ...record, id: peer, peer: id, role: 'target' },
      isContinued,
    );
  }

  /** The digest of a document as it was moved last; undefined if it never was. */
  digestOf(name: string): string | undefined {
    return this.target.documents[name];
  }

  setDigest(name: string, digest: string | undefined): void {
    for (const record of [this.source, this.target]) {
      const { [name]: _, ...others } = record.documents;
      record.documents = digest === undefined ? others : { ...others, [name]: digest };
    }
  }

  /** Stores the record at both places. */
  async save(): Promise<void> {
    // The target first: only with its record is what it holds known to be from here.
    await write(this.to, this.target);
    await write(this.from, this.source);
  }

  async complete(): Promise<void> {
    this.source.completed = this.target.completed = new Date().toISOString();
    await this.save();
  }
}

async function isEmpty(side: StorageSide): Promise<boolean> {
  for await (const id of side.ids()) if (await side.catalogue.has(id)) return false;
  // The settings of the user are shared by all programs of this machine.
  return side.isFiles || !(await side.documents.list()).some(isUserDocument);
}

async function read(side: StorageSide): Promise<MoveRecord | undefined> {
  const stored = await side.records.read(RECORD);
  return stored && toRecord(stored);
}

async function write(side: StorageSide, record: MoveRecord): Promise<void> {
  await side.records.change((writer) => writer.write(RECORD, { ...record }));
}

function toRecord(stored: JsonObject): MoveRecord {
  const documents = Object.entries(asJsonObject(stored['documents']));
  return {
    id: asText(stored['id']) ?? '',
    peer: asText(stored['peer']) ?? '',
    role: stored['role'] === 'target' ? 'target' : 'source',
    began: asText(stored['began']) ?? '',
    completed: asText(stored['completed']) ?? null,
    documents: Object.fromEntries(documents.map(([name, digest]) => [name, String(digest)])),
  };
}
