import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { acpRequest, steps } from '../support/acp.js';
import { ConversationClient, scriptedRequest, type SeenEvent } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';
import { operationsOf, type FuzzedOperation } from '../fuzz/operations.js';

/** Calls of most tools, successful and failing ones. */
const CALLS: Record<string, readonly object[]> = {
  terminal: [{ command: 'echo hi' }, { command: 'false', timeout: 5 }, { command: '', is_input: true }],
  file_editor: [
    { command: 'create', path: 'FOLDER/new.txt', file_text: 'a\nb\n' },
    { command: 'view', path: 'FOLDER/new.txt', view_range: [1, 2] },
    { command: 'view', path: 'FOLDER/nothing' },
  ],
  task_tracker: [{ command: 'plan', task_list: [{ title: 'one', status: 'todo' }] }, {}],
  glob: [{ pattern: '*.txt' }],
  grep: [{ pattern: 'a', include: '*.txt' }],
  write_file: [
    { file_path: 'w.txt', content: 'x' },
    { file_path: 'FOLDER', content: 'x' },
  ],
  read_file: [{ file_path: 'w.txt' }, { file_path: 'nothing' }],
  edit: [
    { file_path: 'w.txt', old_string: 'x', new_string: 'y' },
    { file_path: 'nothing', old_string: 'x', new_string: 'y' },
  ],
  list_directory: [{}, { dir_path: 'nothing' }],
  apply_patch: [{ patch: '*** Begin Patch\n*** Add File: p.txt\n+x\n*** End Patch' }, { patch: 'no patch' }],
  task: [{ prompt: 'SAY: done' }],
  ask_oracle: [{ question: 'why?' }],
  show_map: [{ place: 'here' }],
  think: [{ thought: 'hm' }],
};
const CONFIGURED = Object.keys(CALLS)
  .filter((name) => !['show_map', 'think', 'task'].includes(name))
  .concat('task_tool_set');

describe('the API document', () => {
  let server: ServerProcess;
  let operations: FuzzedOperation[];
  let folder: string;
  beforeAll(async () => {
    server = await ServerProcess.start();
    folder = path.join(server.cwd, 'work');
    await mkdir(folder);
    await writeFile(path.join(folder, 'a.txt'), 'a\n');
    operations = operationsOf((await server.request('GET', '/openapi.json')).body).operations;
  });
  afterAll(() => server.stop());

  /** How an answer to an operation violates the document. */
  const violation = async (name: string, route: string): Promise<string | undefined> => {
    const { status, body } = await server.request('GET', route);
    const operation = operations.find((each) => each.name === `GET ${name}`);
    return operation === undefined ? `no operation ${name}` : operation.complaint(status, body);
  };
  const violationsOf = async ({ id, route }: ConversationClient, events: readonly SeenEvent[]) => {
    const inPath = '/api/conversations/{conversation_id}';
    const found = [
      await violation(inPath, route),
      await violation(`${inPath}/events/search`, `${route}/events/search?limit=100`),
      await violation(`/conversations/{conversation_id}/events/search`, `/conversations/${id}/events/search`),
    ];
    for (const event of events) {
      found.push(await violation(`${inPath}/events/{event_id}`, `${route}/events/${event.id}`));
    }
    return found.filter((each) => each !== undefined);
  };

  it('describes the actions and observations of each tool, in lists and in single reads', async () => {
    const script = Object.entries(CALLS).flatMap(([tool, calls]) =>
      calls.map((call) => `TOOL: ${tool} ${JSON.stringify(call).replaceAll('FOLDER', folder)}`),
    );
    const request = scriptedRequest(folder, [...script, 'FINISH: done'].join('\n'), {
      agent: {
        llm: { model: 'scripted/test', usage_id: 'agent' },
        tools: CONFIGURED.map((name) => ({ name })),
      },
      client_tools: [
        { name: 'show_map', description: 'x', parameters: { type: 'object', properties: { place: {} } } },
      ],
    });
    const conversation = await ConversationClient.create(server, request);
    await conversation.reaches('finished');
    const events = await conversation.events();
    const kinds = new Set(
      events.map((event) => (event['observation'] as { kind?: string } | undefined)?.kind),
    );
    // Calls that are refused before they run have no observation.
    expect(kinds.size).toBeGreaterThanOrEqual(Object.keys(CALLS).length);
    expect(await violationsOf(conversation, events)).toEqual([]);
  });

  it('describes conversations of ACP agents', async () => {
    const call = {
      sessionUpdate: 'tool_call',
      toolCallId: 't',
      title: 'x',
      kind: 'read',
      status: 'completed',
    };
    const request = acpRequest(folder, steps(['update', call], ['say', 'hi']));
    const conversation = await ConversationClient.create(server, request);
    await conversation.reaches('finished');
    expect(await conversation.info()).toMatchObject({ agent: { kind: 'ACPAgent' } });
    expect(await violationsOf(conversation, await conversation.events())).toEqual([]);
  });
});
