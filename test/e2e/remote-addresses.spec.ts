import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { scriptedRequest } from '../support/conversation-client.js';
import { bareCopy, commitAll, skillText, writeFiles } from '../support/extension-files.js';
import { ServerProcess } from '../support/server-process.js';

const SECRET = '5ecret-in-an-address';

describe('secrets in the addresses of repositories', () => {
  let folder: string;
  let server: ServerProcess;
  const at = (...names: string[]) => path.join(folder, ...names);

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'addresses-'));
    server = await ServerProcess.start({ cwd: at(), env: { HOME: at('home') } });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('shows no secret of an address from which git cannot fetch', async () => {
    // No server listens on port 1.
    const sources = [
      `http://user:${SECRET}@127.0.0.1:1/x.git`,
      `http://127.0.0.1:1/x.git?access_token=${SECRET}`,
      `http://user:p@${SECRET}@127.0.0.1:1/x.git?a=b;token=${SECRET}`,
      `git://user:${SECRET}@127.0.0.1:1/x.git`,
    ];
    for (const source of sources) {
      const requests = [
        ['/api/plugins/install', { source }, 400],
        ['/api/skills/install', { source }, 400],
        ['/api/canvas-extensions/install', { source }, 400],
        ['/api/plugins/fetch', { source }, 502],
        ['/api/conversations', scriptedRequest(at('work'), undefined, { plugins: [{ source }] }), 422],
      ] as const;
      for (const [route, body, status] of requests) {
        const answer = await server.request('POST', route, body);
        expect([route, source, answer.status]).toEqual([route, source, status]);
        expect(JSON.stringify(answer.body)).not.toContain(SECRET);
      }
    }
    expect(server.log).not.toContain(SECRET);
  });

  it('shows no secret of the address of an installed plugin, which can be fetched again', async () => {
    await writeFiles(at('plugin'), {
      '.plugin/plugin.json': JSON.stringify({ name: 'plug' }),
      'skills/one/SKILL.md': skillText('one', 'text'),
    });
    await commitAll(at('plugin'));
    await bareCopy(at('plugin'), at(`served.git?access_token=${SECRET}`));
    const source = `file://${at(`served.git?access_token=${SECRET}`)}`;
    const shown = `file://${at('served.git')}?access_token=%3Credacted%3E`;
    const installed = await server.request('POST', '/api/plugins/install', { source });
    expect(installed).toMatchObject({ status: 200, body: { name: 'plug', source: shown } });
    const listed = await server.request('GET', '/api/plugins/installed');
    expect(listed.body).toMatchObject({ plugins: [{ name: 'plug', source: shown }] });
    const fetched = await server.request('POST', '/api/plugins/fetch', { source });
    expect(fetched).toMatchObject({ status: 200, body: { source: shown } });
    const again = await server.request('POST', '/api/plugins/installed/plug/refresh');
    expect(again).toMatchObject({ status: 200, body: { plugin: { source: shown } } });
    expect(server.log).not.toContain(SECRET);
  });
});
