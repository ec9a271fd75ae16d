import { chmod, mkdtemp, readFile, readlink, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { scriptedRequest } from '../support/conversation-client.js';
import { describeWithBubblewrap } from '../support/sandbox.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { ADMIN_KEY, Tenant } from '../support/tenants.js';
import { writeFiles } from '../support/write-files.js';

const PERSONA = 'I am the persona of whoever runs the server.';

describeWithBubblewrap('the workspace of a key that reaches its own conversations only', () => {
  let folder: string;
  let server: ServerProcess;
  let tenant: Tenant;

  beforeAll(async () => {
    folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'own-workspaces-')));
    const { PATH = '' } = process.env;
    // Notes in which process namespace each git runs.
    const git = `#!/bin/sh
echo "$(readlink /proc/self/ns/pid) $*" >> '${folder}/notes/starts'
PATH='${PATH}' exec git "$@"
`;
    await writeFiles(folder, { 'bin/git': git, 'notes/starts': '', 'home/.openhands/SOUL.md': PERSONA });
    await chmod(path.join(folder, 'bin/git'), 0o755);
    server = await ServerProcess.start({
      key: ADMIN_KEY,
      env: {
        SESSION_API_KEY: ADMIN_KEY,
        HOME: path.join(folder, 'home'),
        PATH: `${folder}/bin:${PATH}`,
        OH_PERSISTENCE_DIR: path.join(folder, 'persistence'),
        OH_SANDBOX_READABLE_0: path.join(folder, 'bin'),
        OH_SANDBOX_WRITABLE_0: path.join(folder, 'notes'),
      },
    });
    tenant = await Tenant.make(server, 'tenant');
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });

  async function finished(by: Tenant, script: string): Promise<string> {
    const { id } = await by.json<{ id: string }>(
      'POST',
      '/api/conversations',
      scriptedRequest('work', script),
    );
    await eventually(async () => {
      const info = await by.json<{ execution_status: string }>('GET', `/api/conversations/${id}`);
      return info.execution_status === 'finished';
    }, 'the end of the run');
    return `/api/conversations/${id}`;
  }

  it('is only touched by programs of the server that run in its sandbox', async () => {
    const route = await finished(tenant, 'RUN: echo text > file.txt\nFINISH: done');
    const { working_dir } = (await tenant.json<{ workspace: { working_dir: string } }>('GET', route))
      .workspace;
    const git = `${route}/git`;
    const file = encodeURIComponent(path.join(working_dir, 'file.txt'));
    const at = encodeURIComponent(working_dir);
    expect(await tenant.json('GET', `${git}/changes?path=${at}`)).toEqual([
      { status: 'ADDED', path: 'file.txt' },
    ]);
    expect(await tenant.json('GET', `${git}/commits?path=${at}`)).toMatchObject({ commits: [] });
    expect(await tenant.json('GET', `${git}/diff?path=${file}`)).toMatchObject({ modified: 'text' });
    const starts = (await readFile(path.join(folder, 'notes/starts'), 'utf8')).trim().split('\n');
    const outside = await readlink('/proc/self/ns/pid');
    expect(starts.join('\n')).toMatch(/ init [^]* ls-files /);
    expect(starts.filter((start) => start.startsWith(outside))).toEqual([]);
  });

  it('has no agent with the persona of the user who runs the server', async () => {
    const promptOf = async (by: Tenant): Promise<string> =>
      (await by.ask('GET', `${await finished(by, 'FINISH: done')}/events/search?kind=SystemPromptEvent`))
        .text;
    expect(await promptOf(Tenant.admin(server))).toContain(PERSONA);
    const own = await promptOf(tenant);
    expect(own).toContain('SystemPromptEvent');
    expect(own).not.toContain(PERSONA);
  });
});
