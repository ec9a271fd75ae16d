import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ServerProcess } from '../support/server-process.js';
import { asJson, SettingsFixture } from '../support/settings-fixture.js';

const ROUNDS = Number(process.env['FAULT_ROUNDS'] ?? 3);

describe('the settings file', () => {
  let fixture: SettingsFixture;
  beforeAll(async () => (fixture = await SettingsFixture.start()));
  beforeEach(() => rm(path.join(fixture.root, 'settings.json'), { recursive: true, force: true }));
  afterAll(() => fixture.stop());

  const misc = async () => asJson((await fixture.plain())['misc_settings']);
  const put = (server: ServerProcess, name: string, value: unknown) =>
    server.request('PATCH', '/api/settings', { misc_settings_diff: { [name]: value } });

  /** What is stored beside the audit log. */
  const names = async () => (await readdir(fixture.root)).filter((name) => name !== 'audit');

  it('contains every change when two servers write it at the same time', async () => {
    const other = await fixture.another();
    try {
      const names = Array.from({ length: 40 }, (_unused, index) => `n${index}`);
      const answers = await Promise.all(
        names.map((name, index) => put(index % 2 === 0 ? fixture.server : other, name, index)),
      );
      expect(answers.map(({ status }) => status)).toEqual(names.map(() => 200));
      expect(Object.keys(await misc()).sort()).toEqual([...names].sort());
    } finally {
      await other.end();
    }
    // Neither locks nor partial files are left.
    expect(await names()).toEqual(['settings.json']);
  });

  it(
    'is complete and writable after a kill at any moment',
    async () => {
      let acknowledged = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const { server } = fixture;
        const writing = (async () => {
          for (let value = acknowledged + 1; ; value++) {
            const answer = await put(server, 'count', value).catch(() => undefined);
            if (answer?.status !== 200) return;
            acknowledged = value;
          }
        })();
        // Killed at a different point of a change in each round.
        const until = acknowledged + 3 + (round % 20);
        while (acknowledged < until) await new Promise((resolve) => setTimeout(resolve, 1));
        await new Promise((resolve) => setTimeout(resolve, round % 7));
        await server.end('SIGKILL');
        await writing;
        const stored = asJson((await fixture.file('settings.json'))['misc_settings']);
        expect(Number(stored['count'])).toBeGreaterThanOrEqual(acknowledged);
        await fixture.restart();
        expect(await put(fixture.server, 'round', round)).toMatchObject({ status: 200 });
        expect(await names()).toEqual(['settings.json']);
      }
      expect(acknowledged).toBeGreaterThan(ROUNDS);
    },
    60_000 + ROUNDS * 5_000,
  );

  it('is writable after a server left a lock behind', async () => {
    await mkdir(fixture.root, { recursive: true });
    const lock = path.join(fixture.root, '.agent-server.lock');
    for (const text of [
      JSON.stringify({ token: 'x', pid: 2 ** 22 + 1, place: await placeOf() }),
      JSON.stringify({ token: 'x', pid: fixture.server.pid, place: await placeOf() }),
    ]) {
      await writeFile(lock, text);
      expect(await put(fixture.server, 'a', 1)).toMatchObject({ status: 200 });
    }
    // A lock of another host is valid until it is old.
    await writeFile(lock, JSON.stringify({ token: 'x', pid: 1, place: 'elsewhere' }));
    spawnSync('touch', ['-d', '2 minutes ago', lock]);
    expect(await put(fixture.server, 'a', 2)).toMatchObject({ status: 200 });
    expect(await misc()).toEqual({ a: 2 });
  });

  it('blocks no thread when it is not a regular file', async () => {
    await mkdir(fixture.root, { recursive: true });
    const file = path.join(fixture.root, 'settings.json');
    spawnSync('mkfifo', [file]);
    const answers = await Promise.all(Array.from({ length: 8 }, () => fixture.ask('GET', '/api/settings')));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(await put(fixture.server, 'a', 1)).toMatchObject({ status: 409 });
    await rm(file);
    await mkdir(file);
    expect(await put(fixture.server, 'a', 1)).toMatchObject({ status: 409 });
    await rm(file, { recursive: true });
    await symlink('/dev/zero', file);
    expect(await put(fixture.server, 'a', 1)).toMatchObject({ status: 409 });
    await rm(file);
    await writeFile(file, ' '.repeat(9 * 1024 * 1024));
    expect(await put(fixture.server, 'a', 1)).toMatchObject({ status: 409 });
    await rm(file);
    expect(await put(fixture.server, 'a', 1)).toMatchObject({ status: 200 });
  });

  it('the settings file cannot be written when its folder is a file, which the server answers with an error', async () => {
    const fixture = await SettingsFixture.start();
    await mkdir(path.dirname(fixture.root), { recursive: true });
    await writeFile(fixture.root, 'mine');
    expect((await fixture.ask('GET', '/api/settings')).status).toBeLessThanOrEqual(503);
    const answer = await fixture.ask('PATCH', '/api/settings', { misc_settings_diff: { a: 1 } });
    expect(answer.status).toBeGreaterThanOrEqual(500);
    expect(await readFile(fixture.root, 'utf8')).toBe('mine');
    expect(await fixture.server.request('GET', '/health')).toMatchObject({ status: 200 });
    await fixture.stop();
  });
});

/** The name of this machine in locks. */
async function placeOf(): Promise<string> {
  return `${os.hostname()} ${await readlink('/proc/self/ns/pid').catch(() => '')}`;
}
