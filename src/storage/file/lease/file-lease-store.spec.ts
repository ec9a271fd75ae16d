import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { LeaseHeldError, type LeaseOwner } from '../../index.js';
import { conversationFolder } from '../conversation-folder.js';
import { FileEventLogStore } from '../log/file-event-log-store.js';
import { FileLeaseStore } from './file-lease-store.js';

const HOLDER = fileURLToPath(new URL('../../../../test/faults/lease-holder.mjs', import.meta.url));
const TTL_SECONDS = 45;

describe('FileLeaseStore', () => {
  let root: string;
  let id: string;
  let file: string;
  const stores: FileLeaseStore[] = [];
  const holders: Holder[] = [];

  const newStore = (leaseTtlSeconds = TTL_SECONDS): FileLeaseStore => {
    const store = new FileLeaseStore({ conversationsPath: root, leaseTtlSeconds });
    stores.push(store);
    return store;
  };
  const newHolder = (ttlSeconds = TTL_SECONDS): Holder => {
    const holder = new Holder(root, id, ttlSeconds);
    holders.push(holder);
    return holder;
  };
  const onDisk = async (): Promise<LeaseOwner> => JSON.parse(await readFile(file, 'utf8')) as LeaseOwner;

  beforeEach(async () => {
    for (const level of ['warn', 'error'] as const) {
      jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
    }
    root = await mkdtemp(path.join(os.tmpdir(), 'leases-'));
    id = randomUUID();
    file = path.join(conversationFolder(root, id), 'owner_lease.json');
  });
  afterEach(async () => {
    for (const holder of holders.splice(0)) await holder.kill();
    for (const store of stores.splice(0)) await store.onApplicationShutdown();
    jest.restoreAllMocks();
    await rm(root, { recursive: true, force: true });
  });

  it('writes the owner, its process and the time of expiry into the file', async () => {
    const fence = await newStore().acquire(id);
    const lease = await onDisk();
    expect(lease).toMatchObject({ generation: 1, owner_host: os.hostname(), owner_pid: process.pid });
    expect(Object.keys(lease)).toHaveLength(5);
    expect(lease.owner_instance_id).toMatch(/^[0-9a-f]{32}$/);
    expect(Math.abs(lease.expires_at - Date.now() / 1000 - TTL_SECONDS)).toBeLessThan(5);
    expect(fence).toMatchObject({ conversationId: id, generation: 1 });
    expect(fence.isValid()).toBe(true);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(path.dirname(file))).toEqual(['owner_lease.json']);
  });

  it('grants a lease once, and again with the next generation after its release', async () => {
    const [first, second] = [newStore(), newStore()];
    const fence = await first.acquire(id);
    await expect(first.acquire(id)).rejects.toThrow(LeaseHeldError);
    await expect(second.acquire(id)).rejects.toThrow(LeaseHeldError);
    const releasing = first.release(fence);
    expect(fence.isValid()).toBe(false);
    expect((await first.acquire(id)).generation).toBe(2);
    await releasing;
    await first.onApplicationShutdown();
    expect((await second.acquire(id)).generation).toBe(3);
    await first.release(fence);
    await expect(newStore().acquire(id)).rejects.toThrow(LeaseHeldError);
  });

  it('renews all leases in place with one timer', async () => {
    const store = newStore(0.3);
    const fences = await Promise.all([id, randomUUID(), randomUUID()].map((each) => store.acquire(each)));
    const { expires_at, ...rest } = await onDisk();
    const { ino } = await stat(file);
    await until(async () => (await onDisk()).expires_at > expires_at + 0.5);
    expect(await onDisk()).toMatchObject(rest);
    expect((await stat(file)).ino).toBe(ino);
    expect(fences.every((fence) => fence.isValid())).toBe(true);
  });

  it('loses a lease when the file names another owner', async () => {
    const store = newStore(0.3);
    const fence = await store.acquire(id);
    await writeFile(file, JSON.stringify({ ...(await onDisk()), owner_instance_id: 'other', generation: 2 }));
    await until(() => Promise.resolve(!fence.isValid()));
    expect(await fence.confirm()).toBe(false);
    await store.release(fence);
    expect(await onDisk()).toMatchObject({ owner_instance_id: 'other' });
  });

  it('loses a lease when its folder is removed', async () => {
    const store = newStore(0.3);
    const fence = await store.acquire(id);
    await rm(path.dirname(file), { recursive: true });
    await until(() => Promise.resolve(!fence.isValid()));
    await store.release(fence);
    expect((await store.acquire(id)).generation).toBe(1);
  });

  it('confirms an overdue lease that nobody else has acquired', async () => {
    const fence = await newStore().acquire(id);
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
    expect(fence.isValid()).toBe(false);
    expect(await fence.confirm()).toBe(true);
    expect(fence.isValid()).toBe(true);
  });

  it('acquires the lease of a dead process of this host, even one with our own process id', async () => {
    await newStore().acquire(id);
    const lease = await onDisk();
    await writeFile(file, JSON.stringify({ ...lease, owner_instance_id: 'before the container restarted' }));
    expect((await newStore().acquire(id)).generation).toBe(2);
  });

  it('acquires the lease of another host when it has expired, not before', async () => {
    await mkdir(path.dirname(file));
    const lease = { owner_instance_id: 'x', generation: 7, owner_host: 'elsewhere', owner_pid: 1 };
    await writeFile(file, JSON.stringify({ ...lease, expires_at: Date.now() / 1000 + 60 }));
    await expect(newStore().acquire(id)).rejects.toThrow(LeaseHeldError);
    await writeFile(file, JSON.stringify({ ...lease, expires_at: Date.now() / 1000 - 1 }));
    expect((await newStore().acquire(id)).generation).toBe(8);
  });

  it.each(['', '{"owner', '\0\0\0\0', '[]'])(
    'treats a lease file that contains %j as one that expires a time to live after its last change',
    async (text) => {
      await mkdir(path.dirname(file));
      await writeFile(file, text);
      await expect(newStore().acquire(id)).rejects.toThrow(LeaseHeldError);
      const past = Date.now() / 1000 - TTL_SECONDS - 1;
      await utimes(file, past, past);
      expect((await newStore().acquire(id)).generation).toBe(1);
      expect(await onDisk()).toMatchObject({ owner_pid: process.pid });
    },
  );

  it('skips an expired claim, and respects one that is being made', async () => {
    const store = newStore();
    await store.release(await store.acquire(id));
    const claim = path.join(path.dirname(file), 'owner_lease.2.claim');
    const lease = { owner_instance_id: 'x', generation: 2, owner_host: 'elsewhere', owner_pid: 1 };
    await writeFile(claim, JSON.stringify({ ...lease, expires_at: Date.now() / 1000 + 60 }));
    await expect(newStore().acquire(id)).rejects.toThrow(LeaseHeldError);
    await writeFile(claim, JSON.stringify({ ...lease, expires_at: Date.now() / 1000 - 1 }));
    expect((await newStore().acquire(id)).generation).toBe(3);
    expect(await readdir(path.dirname(file))).toEqual(['owner_lease.json']);
  });

  it('does not confirm an overdue lease while another process claims it', async () => {
    const fence = await newStore().acquire(id);
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
    const claim = { ...(await onDisk()), owner_instance_id: 'x', generation: 2, owner_host: 'elsewhere' };
    const name = path.join(path.dirname(file), 'owner_lease.2.claim');
    await writeFile(name, JSON.stringify({ ...claim, expires_at: Date.now() / 1000 + 60 }));
    expect(await fence.confirm()).toBe(false);
  });

  it('grants a lease to exactly one of many concurrent callers', async () => {
    const first = newStore();
    await first.release(await first.acquire(id));
    for (let round = 2; round < 12; round += 1) {
      const contenders = Array.from({ length: 8 }, () => newStore());
      const results = await Promise.allSettled(contenders.map((store) => store.acquire(id)));
      const winners = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      expect(winners).toHaveLength(1);
      expect(results.every((r) => r.status === 'fulfilled' || r.reason instanceof LeaseHeldError)).toBe(true);
      expect(winners[0]?.generation).toBe(round);
      for (const store of contenders) await store.onApplicationShutdown();
    }
  });

  it('grants leases without files when leases are disabled', async () => {
    const store = newStore(0);
    const fence = await store.acquire(id);
    expect(fence.isValid()).toBe(true);
    expect(await readdir(path.dirname(file))).toEqual([]);
    await expect(store.acquire(id)).rejects.toThrow(LeaseHeldError);
    await store.release(fence);
    expect(fence.isValid()).toBe(false);
    expect((await store.acquire(id)).isValid()).toBe(true);
  });

  describe('between processes', () => {
    it('refuses the lease of a live process, and grants it at once when that was killed', async () => {
      const [first, second] = [newHolder(), newHolder()];
      expect(await first.send('acquire')).toBe('1');
      expect(await second.send('acquire')).toBe('LeaseHeldError');
      const event = await first.send('append');
      await first.kill();
      expect(await second.send('acquire')).toBe('2');
      await second.send('append');
      expect(await second.send('release')).toBe('released');
      const log = await new FileEventLogStore({ conversationsPath: root, leaseTtlSeconds: 0 }).open(id);
      expect(log.length).toBe(2);
      expect(await log.seqOf(event)).toBe(0);
      await log.close();
    });

    it('grants a lease to one of several processes that start at once', async () => {
      const first = newHolder();
      await first.send('acquire');
      await first.kill();
      const rivals = Array.from({ length: 3 }, () => newHolder());
      const answers = await Promise.all(rivals.map((rival) => rival.send('acquire')));
      expect(answers.sort()).toEqual(['2', 'LeaseHeldError', 'LeaseHeldError']);
    });

    it('rejects writes of a process that was frozen until its lease was acquired by another', async () => {
      const frozen = newHolder(1);
      expect(await frozen.send('acquire')).toBe('1');
      const before = await frozen.send('append');
      frozen.signal('SIGSTOP');
      const inode = (await stat(path.join(path.dirname(file), 'events.jsonl'))).ino;
      const successor = newHolder();
      await until(async () => (await successor.send('acquire')) === '2');
      const after = await successor.send('append');
      // The frozen process may be in the middle of a write: the file that it has open is no longer the log.
      expect((await stat(path.join(path.dirname(file), 'events.jsonl'))).ino).not.toBe(inode);
      const refused = frozen.send('append');
      frozen.signal('SIGCONT');
      expect(await refused).toBe('LeaseLostError');
      expect(await frozen.send('confirm')).toBe('false');
      const last = await successor.send('append');
      expect(await successor.send('confirm')).toBe('true');
      const log = await new FileEventLogStore({ conversationsPath: root, leaseTtlSeconds: 0 }).open(id);
      expect(await log.seqsOf([before, after, last])).toEqual([0, 1, 2]);
      expect(log.length).toBe(3);
      await log.close();
    });

    it('accepts writes of a process that was frozen when nobody has acquired its lease', async () => {
      const holder = newHolder(0.5);
      await holder.send('acquire');
      holder.signal('SIGSTOP');
      await until(async () => (await onDisk()).expires_at * 1000 < Date.now());
      const appended = holder.send('append');
      holder.signal('SIGCONT');
      expect(await appended).toMatch(/^[0-9a-f-]{36}$/);
    });
  });
});

/** A process that acquires the lease on command. */
class Holder {
  private readonly child: ChildProcess;
  private readonly answers: AsyncIterator<string>;

  constructor(root: string, id: string, ttlSeconds: number) {
    const child = spawn(process.execPath, [HOLDER, root, id, String(ttlSeconds)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.child = child;
    this.answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async send(command: 'acquire' | 'append' | 'confirm' | 'release'): Promise<string> {
    this.child.stdin?.write(`${command}\n`);
    const answer = await this.answers.next();
    return answer.done ? 'ended' : answer.value;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}
