import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import { BackendLog } from '../backends/processes/backend-log.js';
import { BackendRun } from '../backends/processes/backend-run.js';
import { RunRecords } from '../backends/processes/run-records.js';
import { type BridgeSession, BridgeSessions, sessionCookie } from './bridge-sessions.js';

describe('BridgeSessions', () => {
  let folder: string;
  let run: BackendRun;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'bridge-'));
    const file = path.join(folder, 'program');
    await writeFile(file, '#!/bin/sh\nexec sleep 1000\n');
    await chmod(file, 0o755);
    const program = {
      command: [file],
      artifact: folder,
      cwd: folder,
      env: {},
      mark: `canvas-test-${folder}`,
    };
    const health = { path: '/', timeout_seconds: 100, interval_seconds: 0.1 };
    const plan = { name: 'my-app', revision: '1', program: () => program, health };
    run = new BackendRun(plan, new BackendLog(), new RunRecords(path.join(folder, 'run')));
  });
  afterEach(async () => {
    await run.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const cookieOf = (session: BridgeSession) => `a=b; ${sessionCookie(session).split(';')[0] ?? ''}; c=d`;

  it('are valid for one back end until they expire', async () => {
    const sessions = new BridgeSessions(50);
    const session = sessions.open('my-app', run);
    expect(sessions.find('my-app', cookieOf(session))).toBe(session);
    expect(sessions.find('other', cookieOf(session))).toBeUndefined();
    await once(session.ended, 'abort');
    expect(sessions.find('my-app', cookieOf(session))).toBeUndefined();
    expect(Date.now()).toBeGreaterThanOrEqual(session.expiresAt.getTime() - 5);
  });

  it('end with the run or when they are revoked', async () => {
    const sessions = new BridgeSessions();
    const [first, second] = [sessions.open('my-app', run), sessions.open('my-app', run)];
    sessions.close(first);
    expect([first.ended.aborted, second.ended.aborted]).toEqual([true, false]);
    await run.stop();
    expect(second.ended.aborted).toBe(true);
    expect(sessions.find('my-app', cookieOf(second))).toBeUndefined();
    // The run has ended, so a new session ends at once.
    expect(sessions.open('my-app', run).ended.aborted).toBe(true);
  });
});
