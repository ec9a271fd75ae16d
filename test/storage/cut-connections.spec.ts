import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { describeWithDatabase, describeWithPostgres, PostgresInstance } from '../support/postgres.js';
import { randomOf } from '../support/random.js';
import { eventually } from '../support/server-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { expectSame, LogModel, numberedFrom } from './log-model.js';
import { own, PostgresShared, type OwnedLog, type StorageServer } from './storage-driver.js';

/** How often a connection is cut; more often with `npm run test:faults`. */
const CUTS = Number(process.env['FAULT_ROUNDS'] ?? 12);
const SEED = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);
const LOGS = 4;

beforeEach(() => {
  for (const level of ['log', 'warn', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
});
afterEach(() => void jest.restoreAllMocks());

/** Appends to logs, each with overlapping calls, and keeps in models what was acknowledged. */
class Appender {
  readonly models: LogModel[];
  /** How many events were acknowledged, and how many appends were refused. */
  acknowledged = 0;
  refused = 0;

  constructor(private readonly logs: readonly OwnedLog[]) {
    this.models = logs.map(() => new LogModel());
  }

  /** Appends until `isOver`. */
  async run(isOver: () => boolean): Promise<void> {
    const appendTo = async ({ log, fence }: OwnedLog, model: LogModel): Promise<void> => {
      while (!isOver()) {
        const records = numberedFrom(model.length, 3);
        const results = await Promise.allSettled(
          records.map((record, index) => log.append(model.length + index, fence, [record])),
        );
        for (const [index, { status }] of results.entries()) {
          // The appends behind one that was refused have another number than the log: they are refused, too.
          if (status === 'rejected') this.refused += 1;
          else {
            this.acknowledged += 1;
            model.records.push(...records.slice(index, index + 1));
          }
        }
        expect(log.length).toBe(model.length);
      }
    };
    await Promise.all(this.logs.map((one, index) => appendTo(one, this.models[index] ?? new LogModel())));
  }

  /** Expects that the logs have what was acknowledged and nothing of what was refused, for all servers. */
  async check(other: StorageServer): Promise<void> {
    for (const [index, { id, log }] of this.logs.entries()) {
      const model = this.models[index] ?? new LogModel();
      await expectSame(log, model);
      const reader = await other.logs.read(id);
      await expectSame(reader, model);
      await reader.close();
    }
  }
}

describeWithDatabase(`appends over connections that are cut (FAULT_SEED=${SEED})`, () => {
  it(
    'are refused or acknowledged as they are stored, wherever the connection was cut',
    async () => {
      const storage = await PostgresShared.create();
      const proxy = await TcpProxy.start(storage.url);
      const server = await storage.server(proxy.url, 30);
      const other = await storage.server();
      const random = randomOf(SEED);
      try {
        const logs = await Promise.all(Array.from({ length: LOGS }, () => own(server)));
        const appender = new Appender(logs);
        let isOver = false;
        const running = appender.run(() => isOver);
        try {
          for (let cut = 0; cut < CUTS; cut += 1) {
            const direction = random() < 0.5 ? 'toServer' : 'toClient';
            const bytes = Math.floor(random() * (direction === 'toServer' ? 4000 : 400));
            const before = appender.acknowledged;
            proxy.behave({ cut: { direction, bytes, once: true } });
            await eventually(() => appender.acknowledged >= before + 30, 'appends after the cut');
          }
        } finally {
          isOver = true;
          await running;
        }
        await appender.check(other);
      } finally {
        await Promise.all([server.close(), other.close()]);
        await proxy.stop();
        await storage.remove();
      }
    },
    60_000 + CUTS * 5000,
  );
});

describeWithPostgres('appends to a PostgreSQL that crashes', () => {
  it(
    'are refused or acknowledged as they are stored',
    async () => {
      const postgres = await PostgresInstance.start({ durable: true });
      const storage = await PostgresShared.create(postgres.url());
      const [server, other] = [await storage.server(undefined, 60), await storage.server(undefined, 60)];
      try {
        const appender = new Appender(await Promise.all(Array.from({ length: LOGS }, () => own(server))));
        let isOver = false;
        const running = appender.run(() => isOver);
        try {
          for (let crash = 0; crash < Math.max(2, CUTS / 4); crash += 1) {
            const before = appender.acknowledged;
            await postgres.restart('immediate');
            await eventually(() => appender.acknowledged >= before + 30, 'appends after the crash');
          }
        } finally {
          isOver = true;
          await running;
        }
        await appender.check(other);
      } finally {
        await Promise.all([server.close(), other.close()]);
        await storage.remove();
        await postgres.stop();
      }
    },
    60_000 + CUTS * 5000,
  );
});
