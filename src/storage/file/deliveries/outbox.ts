import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, stat, utimes, rmdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { errorCode } from '../../../errors/index.js';
import { SerialQueue } from '../../../flow/index.js';
import { isProcessAlive } from '../../../processes/index.js';
import { makeFolder } from '../../../files/index.js';
import { asJsonObject, tryParseJson } from '../../../json/index.js';
import { dashedUuid } from '../../../text/index.js';
import type { PendingChange, PendingEntry } from '../../delivery-store.js';
import { ChangeFile } from './change-file.js';
import { namesIn, writeDurably } from './durable.js';
import { TailFile } from './tail-file.js';

const OWNER_FILE = 'owner.json';
const PREFIX = 'outbox-';
const ENTRY = /^(\d{12})-([0-9a-f]{32})\.(post\.json|tail\.jsonl)$/;
/** A server without heartbeat for this time loses its outbox to another one (ms). */
const OWNER_TIMEOUT_MS = 60_000;

/** Instances in this process. The process id is not enough: in a container it is 1 after each restart. */
const localOwners = new Set<string>();

/**
 * The pending items of one webhook that are in no log. Each server that uses the folder has an outbox of its
 * own; those of dead servers are taken over. The folder is created with the first entry.
 */
export class Outbox {
  private readonly instanceId = randomBytes(8).toString('hex');
  private readonly folder: string;
  private readonly making = new SerialQueue();
  private next = 0;
  private adoptions = 0;

  constructor(private readonly root: string) {
    this.folder = path.join(root, `${PREFIX}${this.instanceId}`);
    localOwners.add(this.instanceId);
  }

  async addChange(conversationId: string, body: string): Promise<PendingChange> {
    const file = await this.add('post.json', conversationId, [body]);
    return new ChangeFile(conversationId, file, Date.now());
  }

  async addTail(conversationId: string, lines: AsyncIterable<string>): Promise<TailFile> {
    let count = 0;
    async function* counted(): AsyncGenerator<string> {
      for await (const line of lines) {
        count += 1;
        yield `${line}\n`;
      }
    }
    const file = await this.add('tail.jsonl', conversationId, counted());
    return new TailFile(conversationId, file, count);
  }

  /** Takes over the outboxes of dead servers and returns their entries, oldest first. */
  async adopt(): Promise<PendingEntry[]> {
    const entries: PendingEntry[] = [];
    for (const name of await namesIn(this.root)) {
      if (!name.startsWith(PREFIX) || name.startsWith(path.basename(this.folder))) continue;
      const from = path.join(this.root, name);
      if (await isAlive(from)) continue;
      const to = `${this.folder}-${this.adoptions}`;
      this.adoptions += 1;
      try {
        await rename(from, to);
      } catch (error) {
        // Another server was faster.
        if (errorCode(error) === 'ENOENT') continue;
        throw error;
      }
      await this.writeOwner(to);
      const found = (await namesIn(to)).filter((entry) => ENTRY.test(entry));
      if (found.length === 0) await rm(to, { recursive: true, force: true });
      for (const entry of found) entries.push(await toEntry(to, entry));
    }
    return entries;
  }

  /** Shows other servers that this one is alive. */
  async heartbeat(): Promise<void> {
    const now = new Date();
    for (const name of await namesIn(this.root)) {
      if (!name.startsWith(path.basename(this.folder))) continue;
      await utimes(path.join(this.root, name, OWNER_FILE), now, now).catch(() => undefined);
    }
  }

  /** Releases the outboxes for the next server. Empty ones are removed. */
  async close(): Promise<void> {
    for (const name of await namesIn(this.root)) {
      if (!name.startsWith(path.basename(this.folder))) continue;
      const folder = path.join(this.root, name);
      const left = (await namesIn(folder)).filter((entry) => entry !== OWNER_FILE);
      if (left.length > 0) continue;
      await rm(path.join(folder, OWNER_FILE), { force: true });
      await rmdir(folder).catch(() => undefined);
    }
    localOwners.delete(this.instanceId);
  }

  private async add(
    extension: 'post.json' | 'tail.jsonl',
    conversationId: string,
    content: Iterable<string> | AsyncIterable<string>,
  ): Promise<string> {
    const number = String(this.next).padStart(12, '0');
    this.next += 1;
    await this.making.run(() => this.make());
    const file = path.join(this.folder, `${number}-${conversationId.replaceAll('-', '')}.${extension}`);
    await writeDurably(file, content);
    return file;
  }

  /** Makes the folder. Again, if another server considered this one dead and has taken the folder over. */
  private async make(): Promise<void> {
    if (await exists(path.join(this.folder, OWNER_FILE))) return;
    await makeFolder(this.folder);
    await this.writeOwner(this.folder);
  }

  private writeOwner(folder: string): Promise<void> {
    const owner = { host: os.hostname(), pid: process.pid, instance: this.instanceId };
    return writeDurably(path.join(folder, OWNER_FILE), JSON.stringify(owner));
  }
}

function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

async function toEntry(folder: string, name: string): Promise<PendingEntry> {
  const [, , hex = '', extension] = ENTRY.exec(name) ?? [];
  const conversationId = dashedUuid(hex);
  const file = path.join(folder, name);
  if (extension === 'tail.jsonl') return new TailFile(conversationId, file);
  const since = (await stat(file).catch(() => undefined))?.mtimeMs ?? Date.now();
  return new ChangeFile(conversationId, file, since);
}

/** Whether the owner of an outbox may still be alive. */
async function isAlive(folder: string): Promise<boolean> {
  const file = path.join(folder, OWNER_FILE);
  let text: string;
  let silentMs: number;
  try {
    text = await readFile(file, 'utf8');
    silentMs = Date.now() - (await stat(file)).mtimeMs;
  } catch {
    // No owner file yet, or a crash before it was written: decide by age.
    const made = await stat(folder).catch(() => undefined);
    return made !== undefined && Date.now() - made.mtimeMs < OWNER_TIMEOUT_MS;
  }
  if (silentMs > OWNER_TIMEOUT_MS) return false;
  const { host, pid, instance } = asJsonObject(tryParseJson(text));
  if (host !== os.hostname()) return true;
  if (pid === process.pid) return localOwners.has(String(instance));
  return isProcessAlive(Number(pid));
}
