import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { startScriptedEndpoint } from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';

/** Seconds after which these tests have the server close an idle conversation. */
const IDLE_TTL = '0.3';

describe('idle conversations', () => {
  let server: ServerProcess;
  let workspace: string;

  beforeEach(async () => {
    server = await ServerProcess.start({ env: { OH_CONVERSATION_IDLE_TTL_SECONDS: IDLE_TTL } });
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
  });
  afterEach(async () => {
    await server.stop();
    await rm(workspace, { recursive: true, force: true, maxRetries: 5 });
  });

  const create = (script: string) => ConversationClient.create(server, scriptedRequest(workspace, script));
  /**
   * A conversation in memory has a lease; one that was given back has expired. Looking so does not count as
   * use.
   */
  const isOpen = async ({ id }: ConversationClient): Promise<boolean> => {
    const folder = path.join(server.cwd, 'workspace/conversations', id.replaceAll('-', ''));
    const lease: unknown = JSON.parse(await readFile(path.join(folder, 'owner_lease.json'), 'utf8'));
    if (typeof lease !== 'object' || lease === null || !('expires_at' in lease)) throw new Error('no lease');
    return lease.expires_at !== 0;
  };
  const closes = (conversation: ConversationClient) =>
    eventually(async () => !(await isOpen(conversation)), 'the end of the conversation in memory');

  it('closes an idle conversation with its shell, and reopens it with all that it held', async () => {
    const conversation = await create('RUN: echo $$ > shell.pid; echo one\nFINISH: first');
    await conversation.reaches('finished');
    await server.request('PATCH', conversation.route, { title: 'kept', tags: { a: '1' } });
    const [events, info] = [await conversation.events(), await conversation.info()];
    await closes(conversation);
    await eventually(async () => !(await runs(path.join(workspace, 'shell.pid'))), 'the end of the shell');

    // Reading its state does not open it, reading its log does.
    expect(await conversation.info()).toEqual(info);
    expect(await isOpen(conversation)).toBe(false);
    expect(await conversation.events()).toEqual(events);
    expect(await isOpen(conversation)).toBe(true);

    await closes(conversation);
    await conversation.send('RUN: echo two\nFINISH: second');
    await conversation.reaches('finished');
    const after = await conversation.events();
    expect(after.slice(0, events.length)).toEqual(events);
    expect(after.filter(({ kind }) => kind === 'SystemPromptEvent')).toHaveLength(1);
    expect(await conversation.info()).toMatchObject({ title: 'kept', tags: { a: '1' } });
  });

  it('keeps a conversation open while its agent answers a question', async () => {
    const endpoint = await startScriptedEndpoint();
    endpoint.script([{ say: 'an answer', wait: 2 }]);
    try {
      const llm = { model: 'openai/scripted', base_url: endpoint.url, api_key: 'x', usage_id: 'agent' };
      const request = scriptedRequest(workspace, undefined, { agent: { llm, tools: [] } });
      const { route } = await ConversationClient.create(server, request);
      expect(await server.request('POST', `${route}/ask_agent`, { question: 'what?' })).toMatchObject({
        status: 200,
        body: { response: 'an answer' },
      });
    } finally {
      await endpoint.close();
    }
  });

  it('keeps a conversation open while a socket watches it or a run is active', async () => {
    const watched = await create('SAY: hi');
    const running = await create('WAIT: 1000\nSAY: late');
    await watched.reaches('finished');
    const socket = await watched.listen();
    const idle = await create('SAY: hi');
    await closes(idle);
    expect([await isOpen(watched), await isOpen(running)]).toEqual([true, true]);
    await socket.close();
    await closes(watched);
    expect(await running.status()).toBe('running');
    expect(await isOpen(running)).toBe(true);
    await server.request('POST', `${running.route}/interrupt`);
  });

  it('accepts messages that arrive while an idle conversation is being closed', async () => {
    const conversation = await create('SAY: hi');
    await conversation.reaches('finished');
    for (let round = 0; round < 3; round++) {
      await closes(conversation);
      await Promise.all(Array.from({ length: 5 }, () => conversation.send('note', false)));
    }
    const notes = await conversation.events('&kind=MessageEvent&source=user');
    expect(notes).toHaveLength(1 + 3 * 5);
  });
});

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Whether the process whose id a file holds exists. */
async function runs(file: string): Promise<boolean> {
  return exists(`/proc/${(await readFile(file, 'utf8')).trim()}`);
}
