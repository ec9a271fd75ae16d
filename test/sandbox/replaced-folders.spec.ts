import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describeWithBubblewrap } from '../support/sandbox.js';
import { SandboxFixture } from '../support/sandbox-fixture.js';

describeWithBubblewrap('folders that are replaced while a program of the sandbox "workspace" starts', () => {
  let fixture: SandboxFixture;
  const at = (...names: string[]): string => fixture.at(...names);

  beforeAll(async () => {
    fixture = await SandboxFixture.make();
    await mkdir(at('bin'));
    await mkdir(at('cache/deep'), { recursive: true });
    await writeFile(at('cache/deep/of-cache'), '');
    const places = (process.env['PATH'] ?? '').split(':');
    const bubblewrap = places.map((place) => path.join(place, 'bwrap')).find(existsSync) ?? '';
    // What another agent does at the worst moment: after the paths were checked, before they are mounted.
    const script = `#!/bin/sh
case "$*" in *--noediting* | *'cat notes'*)
  if [ -e ${at('swap')} ]; then
    rm ${at('swap')}; mv ${at('work')} ${at('away')}; ln -s ${at('outside')} ${at('work')}
  fi
esac
exec ${bubblewrap} "$@"
`;
    await writeFile(at('bin/bwrap'), script, { mode: 0o755 });
    await fixture.serve({
      env: {
        PATH: `${at('bin')}:${process.env['PATH'] ?? ''}`,
        OH_SANDBOX: 'workspace',
        OH_SANDBOX_REQUIRED: 'true',
        OH_SANDBOX_WRITABLE: JSON.stringify([at('cache/deep')]),
      },
    });
  });
  afterAll(() => fixture.stop());

  it('are not shown to the program, which does not run', async () => {
    await writeFile(at('swap'), '');
    const conversation = await fixture.run('RUN: cat notes; touch made');
    const events = JSON.stringify(await conversation.events());
    expect(await readdir(at('outside'))).toEqual(['notes']);
    expect(events).not.toContain('marker-of-notes');
    expect(events).toContain('exit code 126');
    const command = { command: 'cat notes; touch made', cwd: at('work') };
    await rm(at('work'));
    await rename(at('away'), at('work'));
    await writeFile(at('swap'), '');
    const route = `/api/conversations/${conversation.id}/bash/execute_bash_command`;
    const { body } = await fixture.server.request('POST', route, command);
    expect(body).toMatchObject({ exit_code: 126, stderr: expect.stringContaining('Try again') as string });
    await rm(at('work'));
    await rename(at('away'), at('work'));
    expect(await fixture.outputOf('echo works')).toBe('works\n');
  });

  it('are not shown to later programs of a conversation either', async () => {
    const conversation = await fixture.run('RUN: true');
    await rename(at('work'), at('away'));
    await symlink(at('outside'), at('work'));
    const reset = 'TOOL: terminal {"command": "", "reset": true}';
    await conversation.send(`${reset}\nRUN: cat notes; touch made\nFINISH: done`);
    await conversation.reaches('finished');
    await rm(at('work'));
    await rename(at('away'), at('work'));
    expect(JSON.stringify(await conversation.events())).not.toContain('marker-of-notes');
    expect(await readdir(at('outside'))).toEqual(['notes']);
  });

  it('are found anew for a conversation with the id of a deleted one', async () => {
    for (const name of ['one', 'two']) await mkdir(at(name));
    const conversation_id = randomUUID();
    for (const name of ['one', 'two']) {
      await symlink(at(name), at('link'));
      await fixture.run('RUN: touch made', { conversation_id }, at('link'));
      await fixture.server.request('DELETE', `/api/conversations/${conversation_id}`);
      await rm(at('link'));
    }
    expect(await readdir(at('one'))).toContain('made');
    expect(await readdir(at('two'))).toContain('made');
  });

  it('are made nowhere else by a link in the private home folder', async () => {
    const conversation = await fixture.run('RUN: ls > before');
    const inHome = path.join(fixture.folderOf(conversation), 'sandbox/home', path.basename(fixture.folder));
    await rename(path.join(inHome, 'cache'), path.join(inHome, 'before'));
    // As bubblewrap sees the machine while it makes the mounts.
    const links = '../'.repeat(fixture.folder.split('/').length);
    await symlink(`${links}oldroot${at('outside')}`, path.join(inHome, 'cache'));
    await conversation.send(
      `TOOL: terminal {"command": "", "reset": true}\nRUN: ls ${at('cache/deep')}; mv ${at('cache')} ${at('gone')}\nFINISH: done`,
    );
    await conversation.reaches('finished');
    const events = JSON.stringify(await conversation.events());
    expect(events).toContain('of-cache');
    expect(events).toContain('Device or resource busy');
    expect(await readdir(at('outside'))).toEqual(['notes']);
  });
});
