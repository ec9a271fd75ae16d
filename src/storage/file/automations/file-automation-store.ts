import { open, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  FolderLock,
  makeFolder,
  replaceFile,
  type StillHeld,
  syncFolder,
  undefinedIfMissing,
} from '../../../files/index.js';
import type { JsonObject } from '../../../json/index.js';
import {
  type AutomationDecision,
  type AutomationIdentity,
  AutomationStore,
  type AutomationStoreOptions,
  type AutomationView,
  identityOf,
  RUN_ID_PREFIX,
  type RunPage,
  type StoredAutomation,
  type StoredRun,
} from '../../automation-store.js';
import { toStorageError } from '../../storage-errors.js';
import { FOLDER_MODE } from '../conversation-folder.js';
import { AutomationFold, lineOf } from './automation-fold.js';

const NAME = /^([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})\.jsonl$/;
const FILE_MODE = 0o600;
/** Runs that stay in memory, of the automations that were used last. */
const MAX_RUNS_IN_MEMORY = 20_000;

/** What a file was like when it was read. */
interface Known {
  stamp: string;
  fold: AutomationFold;
  bytes: number;
}

/** What lists need of a file: it stays in memory. */
interface Head {
  stamp: string;
  automation: StoredAutomation;
  open: readonly StoredRun[];
}

/**
 * Automations as JSON lines: a file each, to which changes are appended while a lock is held that all
 * processes of the folder share.
 */
export class FileAutomationStore extends AutomationStore {
  private readonly heads = new Map<string, Head>();
  /** The newest used last. */
  private readonly known = new Map<string, Known>();
  private readonly lock: FolderLock;

  constructor(private readonly options: AutomationStoreOptions) {
    super();
    this.lock = new FolderLock(options.folder);
  }

  list(): Promise<StoredAutomation[]> {
    return this.reading(async () => {
      const heads = await this.allHeads();
      const leftovers = heads.filter(isLeftover);
      if (leftovers.length > 0) await this.removeLeftovers(leftovers);
      return liveOf(heads);
    });
  }

  get(id: string): Promise<StoredAutomation | undefined> {
    return this.reading(async () => {
      const stored = (await this.load(id))?.fold.stored;
      return stored?.is_deleted === false ? stored : undefined;
    });
  }

  create(
    added: { id: string; definition: JsonObject; state: JsonObject },
    find: (others: readonly AutomationIdentity[]) => string | undefined,
  ): Promise<{ automation: StoredAutomation; created: boolean }> {
    return this.writing(async (stillHeld) => {
      const found = await this.findOther(find);
      if (found) return { automation: found, created: false };
      const { id, definition, state } = added;
      const text = `${JSON.stringify({ definition, state })}\n`;
      await replaceFile(this.fileOf(id), text, {
        mode: FILE_MODE,
        flush: 'content and name',
        beforeRename: stillHeld,
      });
      return { automation: { ...added, is_deleted: false }, created: true };
    });
  }

  change<T>(
    id: string,
    runIds: readonly string[],
    work: (view: AutomationView) => AutomationDecision<T>,
  ): Promise<T | undefined> {
    return this.writing(async (stillHeld) => {
      const known = await this.load(id);
      if (!known) return undefined;
      const { fold } = known;
      const asked = runIds.map((runId) => [runId, fold.run(runId)] as const);
      const runs = new Map(asked.filter((entry): entry is [string, StoredRun] => entry[1] !== undefined));
      const { change, result } = work({ ...fold.stored, open: fold.open, runs });
      const line = change && lineOf(change);
      if (line !== undefined) await this.append(id, known, line, stillHeld);
      return result;
    });
  }

  runs(id: string, offset: number, limit: number): Promise<RunPage | undefined> {
    return this.reading(async () => (await this.load(id))?.fold.page(offset, limit));
  }

  run(id: string): Promise<StoredRun | undefined> {
    return this.reading(async () => {
      // Ids of runs begin like that of their automation.
      const prefix = id.slice(0, RUN_ID_PREFIX);
      for (const automation of await this.ids()) {
        if (!automation.startsWith(prefix)) continue;
        const found = (await this.load(automation))?.fold.run(id);
        if (found) return found;
      }
      return undefined;
    });
  }

  openRuns(): Promise<StoredRun[]> {
    return this.reading(async () => {
      const heads = await this.allHeads();
      const runs = heads.flatMap(({ open: ofOne }) => ofOne);
      return runs.sort((one, other) => (one.created_at < other.created_at ? -1 : 1));
    });
  }

  private async append(id: string, known: Known, line: string, stillHeld: StillHeld): Promise<void> {
    const file = this.fileOf(id);
    await stillHeld();
    const { fold, bytes } = known;
    // What follows may fail in the middle: what is known is read again then.
    this.known.delete(id);
    fold.add(JSON.parse(line) as JsonObject);
    if (fold.isOver) return this.removeFile(id);
    if (fold.isBloated(bytes)) {
      await replaceFile(file, fold.text(), {
        mode: FILE_MODE,
        flush: 'content and name',
        beforeRename: stillHeld,
      });
      return;
    }
    const handle = await open(file, 'a+');
    try {
      const isTorn = bytes > 0 && (await lastByte(handle, bytes)) !== 10;
      await handle.appendFile(`${isTorn ? '\n' : ''}${line}\n`);
      await handle.datasync();
      const { ino, size, mtimeMs } = await handle.stat();
      this.remember(id, { stamp: stampOf({ ino, size, mtimeMs }), fold, bytes: size });
    } finally {
      await handle.close();
    }
  }

  /** The automation that a creation finds. */
  private async findOther(
    find: (others: readonly AutomationIdentity[]) => string | undefined,
  ): Promise<StoredAutomation | undefined> {
    // What never changes of an automation is known without a look at its file: but it may be deleted.
    if (findsNothing(find, await this.identities())) return undefined;
    const live = liveOf(await this.allHeads());
    const found = find(live.map(({ id, definition }) => identityOf(id, definition)));
    return live.find(({ id }) => id === found);
  }

  private async identities(): Promise<AutomationIdentity[]> {
    const identities: AutomationIdentity[] = [];
    for (const id of await this.ids()) {
      const head = this.heads.get(id) ?? (await this.head(id));
      if (head?.automation.is_deleted === false) identities.push(identityOf(id, head.automation.definition));
    }
    return identities;
  }

  /** Removes deleted automations that an older server has kept. */
  private async removeLeftovers(heads: readonly Head[]): Promise<void> {
    await this.writing(async (stillHeld) => {
      for (const { automation } of heads) {
        const known = await this.load(automation.id);
        if (!known?.fold.isOver) continue;
        await stillHeld();
        await this.removeFile(automation.id);
      }
    });
  }

  private async removeFile(id: string): Promise<void> {
    await rm(this.fileOf(id), { force: true });
    await syncFolder(this.options.folder);
    this.heads.delete(id);
    this.known.delete(id);
  }

  private async allHeads(): Promise<Head[]> {
    const heads: Head[] = [];
    const ids = await this.ids();
    for (const id of ids) {
      const head = await this.head(id);
      if (head) heads.push(head);
    }
    if (this.heads.size > ids.length) {
      const present = new Set(ids);
      for (const id of this.heads.keys()) if (!present.has(id)) this.heads.delete(id);
    }
    return heads;
  }

  private async head(id: string): Promise<Head | undefined> {
    const stats = await stat(this.fileOf(id)).catch(undefinedIfMissing);
    if (!stats) return undefined;
    const head = this.heads.get(id);
    if (head?.stamp === stampOf(stats)) return head;
    await this.load(id);
    return this.heads.get(id);
  }

  private async ids(): Promise<string[]> {
    const names = (await readdir(this.options.folder).catch(undefinedIfMissing)) ?? [];
    return names.map((name) => NAME.exec(name)?.[1]).filter((id) => id !== undefined);
  }

  private async load(id: string): Promise<Known | undefined> {
    const file = this.fileOf(id);
    const stats = await stat(file).catch(undefinedIfMissing);
    if (!stats) return undefined;
    const stamp = stampOf(stats);
    const before = this.known.get(id);
    if (before?.stamp === stamp) {
      this.remember(id, before);
      return before;
    }
    const text = await readFile(file, 'utf8');
    const fold = AutomationFold.of(id, text);
    if (!fold.exists) return undefined;
    const known = { stamp, fold, bytes: Buffer.byteLength(text) };
    this.remember(id, known);
    return known;
  }

  private remember(id: string, known: Known): void {
    const { fold, stamp } = known;
    this.heads.set(id, { stamp, automation: fold.stored, open: fold.open });
    this.known.delete(id);
    this.known.set(id, known);
    let runs = 0;
    for (const { fold: each } of this.known.values()) runs += each.size;
    for (const [oldest, { fold: each }] of this.known) {
      if (runs <= MAX_RUNS_IN_MEMORY || oldest === id) break;
      runs -= each.size;
      this.known.delete(oldest);
    }
  }

  private fileOf(id: string): string {
    return path.join(this.options.folder, `${id}.jsonl`);
  }

  private async reading<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw toStorageError(error);
    }
  }

  private async writing<T>(work: (stillHeld: StillHeld) => Promise<T>): Promise<T> {
    return this.reading(async () => {
      await makeFolder(this.options.folder, FOLDER_MODE);
      return this.lock.hold(work);
    });
  }
}

function liveOf(heads: readonly Head[]): StoredAutomation[] {
  return heads.map(({ automation }) => automation).filter(({ is_deleted }) => !is_deleted);
}

function isLeftover({ automation, open: runs }: Head): boolean {
  return automation.is_deleted && runs.length === 0;
}

/** Whether a creation finds nothing among others, and no reason to refuse it. */
function findsNothing(
  find: (others: readonly AutomationIdentity[]) => string | undefined,
  others: readonly AutomationIdentity[],
): boolean {
  try {
    return find(others) === undefined;
  } catch {
    return false;
  }
}

function stampOf({ ino, size, mtimeMs }: { ino: number; size: number; mtimeMs: number }): string {
  return `${ino}-${size}-${mtimeMs}`;
}

async function lastByte(handle: Awaited<ReturnType<typeof open>>, size: number): Promise<number | undefined> {
  const byte = Buffer.alloc(1);
  const { bytesRead } = await handle.read(byte, 0, 1, size - 1);
  return bytesRead === 1 ? byte[0] : undefined;
}
