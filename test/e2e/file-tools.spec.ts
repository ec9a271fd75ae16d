import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';

const NAMES = ['read_file', 'write_file', 'edit', 'list_directory', 'planning_file_editor', 'apply_patch'];

describe('tools for files', () => {
  let work: string;
  let server: ServerProcess;

  beforeAll(async () => {
    server = await ServerProcess.start();
    work = path.join(server.cwd, 'work');
    await mkdir(work);
  });
  afterAll(() => server.stop());

  const run = async (calls: [string, object][], more: object = {}): Promise<ConversationClient> => {
    const script = calls.map(([name, args]) => `TOOL: ${name} ${JSON.stringify(args)}`);
    const agent = {
      llm: { model: 'scripted/test', usage_id: 'agent' },
      tools: NAMES.map((name) => ({ name })),
      ...more,
    };
    const text = [...script, 'FINISH: d'].join('\n');
    const conversation = await ConversationClient.create(server, scriptedRequest(work, text, { agent }));
    await conversation.reaches('finished');
    return conversation;
  };

  it('refuses to read or write pipes and devices with file tools', async () => {
    const pipe = path.join(work, 'pipe');
    await promisify(execFile)('mkfifo', [pipe]);
    const patch = '*** Begin Patch\n*** Update File: pipe\n@@\n-two\n+2\n*** End Patch';
    const conversation = await run(
      [
        ['file_editor', { command: 'view', path: pipe }],
        ['file_editor', { command: 'str_replace', path: pipe, old_str: 'a', new_str: 'b' }],
        ['file_editor', { command: 'view', path: '/dev/zero' }],
        ['read_file', { file_path: 'pipe' }],
        ['read_file', { file_path: '/dev/zero' }],
        ['write_file', { file_path: 'pipe', content: 'x' }],
        ['edit', { file_path: 'pipe', old_string: 'a', new_string: 'b' }],
        ['apply_patch', { patch }],
      ],
      { tools: [...NAMES, 'file_editor'].map((name) => ({ name })) },
    );
    const events = await conversation.events('&kind=ObservationEvent');
    const results = events.slice(0, -1).map((event) => JSON.stringify(event['observation']));
    expect(results).toHaveLength(8);
    for (const text of results) expect(text).toContain('It is not a regular file');
  });

  it('works on one workspace with all file tools, each with its kind of event', async () => {
    const patch = '*** Begin Patch\n*** Update File: a.txt\n@@\n-two\n+2\n*** End Patch';
    const conversation = await run([
      ['write_file', { file_path: 'a.txt', content: 'one\ntwo\n' }],
      ['edit', { file_path: 'a.txt', old_string: 'one', new_string: '1' }],
      ['apply_patch', { patch }],
      ['read_file', { file_path: 'a.txt' }],
      ['list_directory', {}],
      ['planning_file_editor', { command: 'create', path: path.join(work, 'b'), file_text: 'x' }],
      ['read_file', { file_path: 'a.txt', offset: -1 }],
    ]);
    const events = await conversation.events();
    expect(events.flatMap((event) => event['observation'] ?? [])).toMatchObject([
      { kind: 'WriteFileObservation', is_new_file: true },
      { kind: 'EditObservation', replacements_made: 1 },
      { kind: 'ApplyPatchObservation', commit: { changes: { 'a.txt': { new_content: '1\n2\n' } } } },
      { kind: 'ReadFileObservation', file_content: '     1  1\n     2  2\n' },
      { kind: 'ListDirectoryObservation', is_error: false },
      { kind: 'PlanningFileEditorObservation', is_error: true },
      { kind: 'FinishObservation' },
    ]);
    const [call] = events.filter(({ tool_name: name, kind }) => name === 'edit' && kind === 'ActionEvent');
    expect(call?.['action']).toEqual({
      file_path: 'a.txt',
      old_string: 'one',
      new_string: '1',
      expected_replacements: 1,
      kind: 'EditAction',
    });
    const [error] = events.filter(({ kind }) => kind === 'AgentErrorEvent');
    expect(error?.['error']).toContain('offset\n  Input should be greater than or equal to 0');
    expect((await conversation.info())['tool_module_qualnames']).toMatchObject({
      edit: 'openhands.tools.gemini.edit.definition',
      apply_patch: 'openhands.tools.apply_patch.definition',
    });
    expect(await readFile(path.join(work, 'a.txt'), 'utf8')).toBe('1\n2\n');
  });

  it('keeps the Python modules that a client names for tools, as the original does', async () => {
    const agent = { llm: { model: 'scripted/test' }, tools: [{ name: 'edit' }, { name: 'read_file' }] };
    const tool_module_qualnames = { edit: 'acme.edit', other: 'acme.other' };
    const request = scriptedRequest(work, undefined, { agent, tool_module_qualnames });
    const conversation = await ConversationClient.create(server, request);
    expect((await conversation.info())['tool_module_qualnames']).toEqual({
      ...tool_module_qualnames,
      read_file: 'openhands.tools.gemini.read_file.definition',
    });
  });

  it('serialises changes to one file by concurrent calls', async () => {
    await writeFile(path.join(work, 'count'), 'n\n');
    const names = Array.from({ length: 8 }, (_, index) => `n${index}`);
    const calls = names.map((name, index) => {
      const args =
        index % 2 === 0
          ? { file_path: 'count', old_string: 'n\n', new_string: `n\n${name}\n` }
          : { patch: `*** Begin Patch\n*** Update File: count\n@@\n n\n+${name}\n*** End Patch` };
      return `${index === 0 ? '' : 'AND '}TOOL: ${index % 2 === 0 ? 'edit' : 'apply_patch'} ${JSON.stringify(args)}`;
    });
    const agent = {
      llm: { model: 'scripted/test', usage_id: 'agent' },
      tools: NAMES.map((name) => ({ name })),
      tool_concurrency_limit: 8,
    };
    const script = [...calls, 'FINISH: d'].join('\n');
    const conversation = await ConversationClient.create(server, scriptedRequest(work, script, { agent }));
    await conversation.reaches('finished');
    const lines = (await readFile(path.join(work, 'count'), 'utf8')).trim().split('\n');
    // Each call inserts below the first line, so the last one is on top.
    expect(lines).toEqual(['n', ...names.reverse()]);
  });
});
