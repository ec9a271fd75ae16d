import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { FileEventLogStore } from '../../src/storage/file/log/file-event-log-store.js';
import type { EventLog } from '../../src/storage/index.js';
import { randomOf } from '../support/random.js';

const WRITER = fileURLToPath(new URL('./log-writer.mjs', import.meta.url));
/** How often a writer is killed; more often with `npm run test:faults`. */
const KILLS = Number(process.env['FAULT_ROUNDS'] ?? 10);
const SEED = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);

/** The ids of the events that were acknowledged to a writer process, by seq. */
type Acknowledged = Map<number, string>;

describe(`the log of a conversation (FAULT_SEED=${SEED})`, () => {
  let root: string;
  let id: string;

  beforeEach(async () => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    root = await mkdtemp(path.join(os.tmpdir(), 'kill-'));
    id = randomUUID();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await rm(root, { recursive: true, force: true });
  });

  it(
    'contains every acknowledged event after its writer was killed at random moments',
    async () => {
      const acknowledged: Acknowledged = new Map();
      const random = randomOf(SEED);
      for (let kill = 0; kill < KILLS; kill += 1) {
        await write(['node', WRITER, root, id], acknowledged, 1 + Math.floor(random() * 150));
        await checkLog(acknowledged);
      }
      process.stderr.write(
        `FAULT_SEED=${SEED}: ${KILLS} kills of a writer, ${acknowledged.size} events acknowledged, nothing lost or doubled\n`,
      );
      expect(acknowledged.size).toBeGreaterThan(KILLS);
    },
    60_000 + KILLS * 5_000,
  );

  it('contains exactly the acknowledged events after its file reached the size limit', async () => {
    const acknowledged: Acknowledged = new Map();
    // In blocks of 1,024 bytes.
    const limited = ['bash', '-c', 'ulimit -f 100; exec node "$0" "$@"', WRITER, root, id];
    const output = await write(limited, acknowledged, Infinity);
    expect(output).toContain('failed EFBIG');
    await checkLog(acknowledged);
    const log = await openLog();
    expect(log.length).toBe(acknowledged.size);
    await log.close();
    await write(['node', WRITER, root, id], acknowledged, 20);
    await checkLog(acknowledged);
  });

  /**
   * Runs a writer, records its acknowledgements, and kills it after a number of them.
   * @returns its other lines
   */
  async function write(command: string[], acknowledged: Acknowledged, killAfter: number): Promise<string[]> {
    const [program = '', ...args] = command;
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}` },
    });
    const exit = once(child, 'exit');
    const others: string[] = [];
    let seen = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const [seq, eventId] = line.split(' ');
      if (/^\d+$/.test(seq ?? '')) acknowledged.set(Number(seq), eventId ?? '');
      else others.push(line);
      seen += 1;
      if (seen >= killAfter) child.kill('SIGKILL');
    }
    await exit;
    return others;
  }

  async function checkLog(acknowledged: Acknowledged): Promise<void> {
    const log = await openLog();
    for (const [seq, eventId] of acknowledged) expect((await log.entry(seq)).id).toBe(eventId);
    const lines = await log.read(0, log.length);
    const ids = lines.map((line) => (JSON.parse(line) as { id: string }).id);
    expect(new Set(ids).size).toBe(log.length);
    await log.close();
  }

  function openLog(): Promise<EventLog> {
    return new FileEventLogStore({ conversationsPath: root, leaseTtlSeconds: 45 }).open(id);
  }
});
