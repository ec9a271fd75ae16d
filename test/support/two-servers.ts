import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ServerProcess } from './server-process.js';

/** Two servers on one folder for all tests of a `describe` block. */
export function twoServersForTests(): { folder: string; servers: ServerProcess[] } {
  const both = { folder: '', servers: [] as ServerProcess[] };
  beforeAll(async () => {
    both.folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    for (let count = 0; count < 2; count += 1)
      both.servers.push(await ServerProcess.start({ cwd: both.folder }));
  });
  afterAll(async () => {
    await Promise.all(both.servers.map((server) => server.stop()));
    await rm(both.folder, { recursive: true, force: true });
  });
  return both;
}
