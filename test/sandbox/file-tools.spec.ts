import { spawnSync } from 'node:child_process';
import { link, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { list } from 'tar';
import type { ConversationClient, SeenEvent } from '../support/conversation-client.js';
import { describeWithBubblewrap } from '../support/sandbox.js';
import { KEY, SandboxFixture } from '../support/sandbox-fixture.js';
import type { ServerProcess } from '../support/server-process.js';

/** In the mode `workspace` the home folder is another one, in which these files do not exist. */
const REFUSED = /may not be read|does not exist|not found|not a valid directory/;
const TOOLS = [
  'terminal',
  'file_editor',
  'apply_patch',
  'read_file',
  'write_file',
  'edit',
  'list_directory',
  'glob',
  'grep',
];

describeWithBubblewrap.each(['guarded', 'workspace'] as const)('file tools in the sandbox "%s"', (mode) => {
  let fixture: SandboxFixture;
  let server: ServerProcess;
  let conversation: ConversationClient;
  const at = (...names: string[]): string => fixture.at(...names);

  beforeAll(async () => {
    fixture = await SandboxFixture.start(mode);
    server = fixture.server;
    // What an agent can prepare: links to everything, and a key by another name that was there before.
    await symlink(at('key'), at('work/link-to-key'));
    await symlink(at('server/persistence'), at('work/link-to-settings'));
    await symlink('/', at('work/root'));
    await symlink(at('outside'), at('work/link-outside'));
    await link(at('key'), at('work/hard-link'));
    spawnSync('mkfifo', [at('work/pipe')]);
    const agent = {
      llm: { model: 'scripted/test', usage_id: 'agent' },
      tools: TOOLS.map((name) => ({ name })),
    };
    conversation = await fixture.run('RUN: true', { agent });
  });
  afterAll(() => fixture.stop());

  /** What the agent is answered to calls of one tool. */
  async function results(tool: string, calls: readonly object[]): Promise<string[]> {
    const before = (await observations()).length;
    const steps = calls.map((args) => `TOOL: ${tool} ${JSON.stringify(args)}`);
    await conversation.send([...steps, 'FINISH: done'].join('\n'));
    await conversation.reaches('finished');
    const seen = (await observations()).slice(before);
    return seen.slice(0, calls.length).map((event) => JSON.stringify(event['observation'] ?? event));
  }

  async function observations(): Promise<SeenEvent[]> {
    const events = await conversation.events();
    return events.filter(({ kind }) => kind === 'ObservationEvent' || kind === 'AgentErrorEvent');
  }

  const hidden = (): string[] => [
    at('key'),
    at('work/link-to-key'),
    at('work/hard-link'),
    at('work/root', at('key')),
    `${at('work/link-to-settings')}/settings.json`,
    `${at('work')}/../server/persistence/settings.json`,
    at('server/persistence/settings.json'),
    `/proc/self/root${at('key')}`,
    '/proc/self/environ',
    `/proc/${server.pid}/environ`,
    '/proc/self/fd/1',
    at('work/root/proc/self/environ'),
  ];

  it('shows no file of the server to the editor, whatever its name', async () => {
    const texts = await results(
      'file_editor',
      hidden().map((file) => ({ command: 'view', path: file })),
    );
    for (const [index, text] of texts.entries()) {
      expect([hidden()[index], text]).toEqual([hidden()[index], expect.stringMatching(REFUSED)]);
      expect(text).not.toMatch(/k3y-in-a-file|marker-of-settings|OH_SECRET_KEY/);
    }
  });

  it('shows them to no other tool', async () => {
    const read = await results(
      'read_file',
      hidden().map((file) => ({ file_path: file })),
    );
    const folders = [at('server/persistence'), at('work/link-to-settings'), '/proc/self', '/proc/self/fd'];
    const listed = await results(
      'list_directory',
      folders.map((dir_path) => ({ dir_path })),
    );
    const found = await results(
      'grep',
      folders.map((where) => ({ pattern: 'marker', path: where })),
    );
    const globbed = await results(
      'glob',
      folders.map((where) => ({ pattern: '*', path: where })),
    );
    for (const text of [...read, ...listed, ...found, ...globbed]) {
      expect(text).not.toMatch(/k3y-in-a-file|marker-of-settings|OH_SECRET_KEY|"settings.json/);
      expect(text).toMatch(REFUSED);
    }
    const [all] = await results('grep', [{ pattern: 'marker-of-settings', path: fixture.folder }]);
    expect(all).not.toContain('persistence/settings.json');
  });

  it('changes none of them', async () => {
    const files = [
      at('work/link-to-key'),
      at('work/link-to-settings/settings.json'),
      at('work/link-to-settings/new'),
    ];
    await results(
      'write_file',
      files.map((file_path) => ({ file_path, content: 'changed' })),
    );
    await results('file_editor', [
      { command: 'create', path: at('work/link-to-settings/created'), file_text: 'x' },
      {
        command: 'str_replace',
        path: at('work/link-to-settings/settings.json'),
        old_str: 'marker',
        new_str: 'x',
      },
    ]);
    const add = (file: string): object => ({
      patch: `*** Begin Patch\n*** Add File: ${file}\n+x\n*** End Patch`,
    });
    const patches = await results('apply_patch', [
      add('link-to-settings/patched'),
      add('../server/persistence/patched'),
    ]);
    for (const text of patches) expect(text).toContain('escaping paths are not allowed');
    expect(await readFile(at('key'), 'utf8')).toBe(KEY);
    expect(await readFile(at('server/persistence/settings.json'), 'utf8')).toContain('marker-of-settings');
    expect(await readdir(at('server/persistence'))).not.toEqual(
      expect.arrayContaining(['new', 'created', 'patched']),
    );
  });

  it('does not hang on a pipe or a device', async () => {
    const texts = await results(
      'file_editor',
      ['pipe', 'root/dev/zero', 'root/dev/tty'].map((name) => ({ command: 'view', path: at('work', name) })),
    );
    for (const text of texts) expect(text).toMatch(/not a regular file|may not be read/);
  });

  it(`${mode === 'guarded' ? 'reads and writes' : 'neither reads nor writes'} files outside of the workspace`, async () => {
    const [read] = await results('file_editor', [{ command: 'view', path: at('work/link-outside/notes') }]);
    await results('write_file', [{ file_path: at('work/link-outside/written'), content: 'x' }]);
    expect(read?.includes('marker-of-notes')).toBe(mode === 'guarded');
    expect((await readdir(at('outside'))).includes('written')).toBe(mode === 'guarded');
  });

  it('works on files of the workspace and of /tmp, which programs see under the same names', async () => {
    const file = `/tmp/of-file-tools-${path.basename(fixture.folder)}`;
    await results('write_file', [
      { file_path: at('work/deep/er/file'), content: 'one' },
      { file_path: file, content: 'two' },
    ]);
    await conversation.send(`RUN: cat deep/er/file ${file} > joined; rm ${file}\nFINISH: done`);
    await conversation.reaches('finished');
    expect(await readFile(at('work/joined'), 'utf8')).toBe('onetwo');
  });

  it('gives a client of the conversation no more than its agent', async () => {
    const get = (route: string): Promise<Response> =>
      fetch(`${server.url}${conversation.route}/${route}`, { headers: { 'x-session-api-key': KEY } });
    for (const name of [
      'link-to-key',
      'hard-link',
      'link-to-settings/settings.json',
      'root/proc/self/environ',
    ]) {
      const download = await get(`file/download?path=${encodeURIComponent(at('work', name))}`);
      const page = await get(`workspace/${name}`);
      for (const response of [download, page]) {
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(await response.text()).not.toMatch(/k3y-in-a-file|marker-of-settings|OH_SECRET_KEY/);
      }
    }
    const machine = await server.request(
      'GET',
      `/api/file/download?path=${encodeURIComponent(at('server/persistence/settings.json'))}`,
    );
    expect(machine.status).toBe(403);
  });

  it('packs no link, and no file of the server, into an archive', async () => {
    const response = await fetch(
      `${server.url}${conversation.route}/file/archive?format=tar.gz&path=${encodeURIComponent(at('work'))}`,
      { headers: { 'x-session-api-key': KEY } },
    );
    expect(response.status).toBe(200);
    const names: string[] = [];
    await writeFile(at('archive.tar.gz'), Buffer.from(await response.arrayBuffer()));
    list({ file: at('archive.tar.gz'), sync: true, onReadEntry: (entry) => names.push(entry.path) });
    expect(names).toContain('work/deep/er/file');
    expect(names.filter((name) => /link|root|pipe/.test(name))).toEqual([]);
  });

  it('reads no hidden file while a program replaces links in the path', async () => {
    const swap = `mkdir -p mine/persistence; echo mine > mine/persistence/settings.json
ln -sfn ${at('server')} one; ln -sfn ${at('work/mine')} two
for round in $(seq 400); do mv -T one swapped; ln -sfn ${at('server')} one; mv -T two swapped; ln -sfn ${at('work/mine')} two; done`;
    await writeFile(at('work/swap.sh'), swap);
    const view = `AND TOOL: file_editor ${JSON.stringify({ command: 'view', path: at('work/swapped/persistence/settings.json') })}`;
    const before = (await observations()).length;
    await conversation.send(
      ['RUN: bash swap.sh', ...Array.from({ length: 40 }, () => view), 'FINISH: done'].join('\n'),
    );
    await conversation.reaches('finished');
    for (const event of (await observations()).slice(before))
      expect(JSON.stringify(event)).not.toContain('marker-of-settings');
  });
});
