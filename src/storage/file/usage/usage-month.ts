import { constants } from 'node:fs';
import { open, readFile, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { PLAIN, replaceFile, tryOpenPlainFile, undefinedIfMissing } from '../../../files/index.js';
import { asJsonObject, tryParseJson } from '../../../json/index.js';
import { toUsageEntry } from '../../usage-entry.js';
import type { UsageEntry } from '../../usage-ledger.js';
import { FILE_MODE } from '../conversation-folder.js';
import { UuidTable } from '../index/uuid-table.js';
import { UsageCells } from './usage-cells.js';

/** Bytes per read; between two reads the event loop is free. */
const CHUNK = 512 * 1024;
/** The sums are stored again when the ledger has grown by so much (bytes). */
const SAVE_AFTER = 2 * 1024 * 1024;
const LINE_END = 10;
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;

/**
 * The calls of one month (UTC): a line each in `2026-11.jsonl`, and their sums in `2026-11.totals.json`. The
 * sums are only a shortcut: they say up to which byte of the lines they hold. Several processes may append.
 */
export class UsageMonth {
  private cells = new UsageCells();
  /** Up to where the lines are in the sums (bytes), and in the stored ones. */
  private position = 0;
  private savedPosition = 0;
  private isLoaded = false;
  /** The ids of these lines; absent until lines are added. */
  private ids: Ids | undefined;
  private readonly linesFile: string;
  private readonly totalsFile: string;

  constructor(
    folder: string,
    readonly name: string,
  ) {
    this.linesFile = path.join(folder, `${name}.jsonl`);
    this.totalsFile = path.join(folder, `${name}.totals.json`);
  }

  /** How many cells are in memory. */
  get size(): number {
    return this.cells.size;
  }

  /** The sums of all that is in the file now. */
  async sums(): Promise<UsageCells> {
    await this.refresh();
    return this.cells;
  }

  /** Appends those entries that are not there yet. @returns how many these were */
  async append(entries: readonly UsageEntry[]): Promise<number> {
    await this.refresh();
    const ids = await this.idsSoFar();
    const here = new Set<string>();
    const added = entries.filter(({ id }) => !ids.has(id) && !here.has(id) && here.add(id));
    if (added.length === 0) return 0;
    const text = added.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    const handle = await open(this.linesFile, APPEND | PLAIN, FILE_MODE);
    try {
      const { size } = await handle.stat();
      // What a crash has left of a line becomes a line of its own, which readers skip.
      await writeAll(handle, Buffer.from(size > this.position ? `\n${text}` : text));
    } finally {
      await handle.close();
    }
    await this.refresh();
    return added.length;
  }

  /** All entries in batches. */
  async *entries(): AsyncGenerator<UsageEntry[]> {
    for await (const lines of this.linesFrom(0, Infinity)) {
      const entries = lines.texts.map((line) => toUsageEntry(tryParseJson(line)));
      yield entries.filter((entry) => entry !== undefined);
    }
  }

  /** Makes the sums anew from the lines. */
  async recount(): Promise<void> {
    await this.startOver();
    this.isLoaded = true;
    await this.refresh();
    await this.save();
  }

  /** Stores the sums, so that the lines need not be read again. */
  async save(): Promise<void> {
    if (!this.isLoaded || this.position === this.savedPosition) return;
    const content = JSON.stringify({ position: this.position, ...this.cells.pack() });
    await replaceFile(this.totalsFile, content, { mode: FILE_MODE, flush: 'content' });
    this.savedPosition = this.position;
  }

  private async refresh(): Promise<void> {
    if (!this.isLoaded) await this.load();
    const file = await tryOpenPlainFile(this.linesFile);
    const size = file?.stats.size ?? 0;
    await file?.handle.close();
    if (size < this.position) await this.startOver();
    if (size <= this.position) return;
    const ids = await this.idsSoFar();
    for await (const { texts, end } of this.linesFrom(this.position, Infinity)) {
      for (const line of texts) {
        const entry = toUsageEntry(tryParseJson(line));
        // Two servers may have added the same one.
        if (entry && ids.add(entry.id)) this.cells.add(entry);
      }
      this.position = end;
    }
    if (this.position - this.savedPosition > SAVE_AFTER) await this.save();
  }

  private async load(): Promise<void> {
    const text = await readFile(this.totalsFile, 'utf8').catch(undefinedIfMissing);
    const stored = asJsonObject(text === undefined ? undefined : tryParseJson(text));
    const cells = UsageCells.unpack(stored);
    const { position } = stored;
    if (cells && typeof position === 'number' && position >= 0) {
      this.cells = cells;
      this.position = this.savedPosition = position;
    }
    this.isLoaded = true;
  }

  /** The lines are others than those of the sums. */
  private async startOver(): Promise<void> {
    this.cells = new UsageCells();
    this.ids = undefined;
    this.position = this.savedPosition = 0;
    await rm(this.totalsFile, { force: true });
  }

  private async idsSoFar(): Promise<Ids> {
    if (this.ids) return this.ids;
    const ids = new Ids();
    for await (const { texts } of this.linesFrom(0, this.position))
      for (const line of texts) ids.addLine(line);
    return (this.ids = ids);
  }

  /** The complete lines between two positions, with the position behind them. */
  private async *linesFrom(from: number, to: number): AsyncGenerator<{ texts: string[]; end: number }> {
    const file = await tryOpenPlainFile(this.linesFile);
    if (!file) return;
    try {
      let rest: Buffer = Buffer.alloc(0);
      for (let at = from; at < to;) {
        const wanted = Math.min(CHUNK, to - at);
        const { buffer, bytesRead } = await file.handle.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
        if (bytesRead === 0) return;
        at += bytesRead;
        rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
        const end = rest.lastIndexOf(LINE_END) + 1;
        if (end === 0) continue;
        yield { texts: rest.toString('utf8', 0, end - 1).split('\n'), end: at - rest.length + end };
        rest = rest.subarray(end);
      }
    } finally {
      await file.handle.close();
    }
  }
}

/** Which entries are there already. */
class Ids {
  private readonly uuids = new UuidTable();
  /** Ids of events that others have made may have any form. */
  private readonly others = new Set<string>();

  has(id: string): boolean {
    return this.uuids.find(id) !== undefined || this.others.has(id);
  }

  /** False if it is there already. */
  add(id: string): boolean {
    if (this.has(id)) return false;
    if (!this.uuids.push(id)) this.others.add(id);
    return true;
  }

  /** Each line that we write begins with the id. */
  addLine(line: string): void {
    const [, id] = /^\{"id":"([\w-]+)"/.exec(line) ?? [];
    const found = id ?? asJsonObject(tryParseJson(line))['id'];
    if (typeof found === 'string') this.add(found);
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += (await handle.write(bytes, written)).bytesWritten;
}
