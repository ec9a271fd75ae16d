import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { commitAll } from '../support/extension-files.js';
import { eventually, ServerProcess } from '../support/server-process.js';

/** Folders that killed servers leave among the temporary files. */
describe('temporary folders of git', () => {
  let folder: string;
  let temporary: string;
  const servers: ServerProcess[] = [];
  const at = (...names: string[]) => path.join(folder, ...names);
  const left = async () => (await readdir(temporary)).filter((name) => name.startsWith('openhands-')).sort();
  const start = async (program: string) => {
    const PATH = `${program}:${process.env['PATH'] ?? ''}`;
    const server = await ServerProcess.start({ env: { PATH, TMPDIR: temporary } });
    servers.push(server);
    return server;
  };
  /** Sends a request that starts a git that never ends, and waits for its folder. */
  const occupy = async (server: ServerProcess) => {
    const before = (await left()).length;
    const query = new URLSearchParams({ path: at('repository') }).toString();
    void fetch(`${server.url}/api/git/changes?${query}`).catch(() => undefined);
    await eventually(async () => (await left()).length > before, 'a temporary folder of git');
    return (await left()).filter((name) => name.includes(`-${server.pid}-`));
  };

  beforeEach(async () => {
    folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'temporary-')));
    temporary = at('tmp');
    await mkdir(temporary);
    await mkdir(at('slow'));
    await writeFile(at('slow/git'), `#!/bin/sh\necho $$ >> '${at('pids')}'\nexec sleep 100\n`);
    await chmod(at('slow/git'), 0o755);
    await writeFile(at('pids'), '');
    await mkdir(at('repository'));
    await writeFile(at('repository/a'), 'a');
    await commitAll(at('repository'));
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.end('SIGKILL');
    for (const pid of (await readFile(at('pids'), 'utf8')).split('\n').filter((line) => line !== '')) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has already ended.
      }
    }
    await rm(folder, { recursive: true, force: true });
  });

  it('temporary folders of git are removed at the next start when their server was killed, and kept while it runs', async () => {
    const killed = await start(at('slow'));
    const running = await start(at('slow'));
    const ofKilled = await occupy(killed);
    const ofRunning = await occupy(running);
    expect([ofKilled.length, ofRunning.length]).toEqual([1, 1]);
    await killed.end('SIGKILL');
    expect(await left()).toEqual([...ofKilled, ...ofRunning].sort());

    const next = await start(at('slow'));
    await eventually(async () => !(await left()).some((name) => ofKilled.includes(name)), 'the removal');
    await next.logs('removed 1 temporary folders of servers that no longer run');
    expect(await left()).toEqual(ofRunning);
  });

  it('temporary folders of git are removed after a day when their process cannot be looked up or an older version made them', async () => {
    const names = ['openhands-git-1-99999-5-AbCdEf', 'openhands-git-AbCdEf', 'openhands-patch-GhIjKl'];
    const others = ['openhands-notes', 'openhands-git-mine', 'git-AbCdEf'];
    const old = new Date(Date.now() - 48 * 3600_000);
    for (const name of [...names.flatMap((name) => [name, `${name.slice(0, -1)}Z`]), ...others]) {
      await mkdir(path.join(temporary, name));
      await writeFile(path.join(temporary, name, 'file'), '');
      if (!name.endsWith('Z')) await utimes(path.join(temporary, name), old, old);
    }
    const server = await start(at('slow'));
    await server.logs('removed 3 temporary folders of servers that no longer run');
    expect(await readdir(temporary)).toEqual(expect.arrayContaining(['git-AbCdEf', 'openhands-git-mine']));
    expect(await left()).toEqual(
      [...names.map((name) => `${name.slice(0, -1)}Z`), 'openhands-git-mine', 'openhands-notes'].sort(),
    );
  });
});
