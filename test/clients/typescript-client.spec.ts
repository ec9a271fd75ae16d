import type * as Client from '@openhands/typescript-client';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { WebSocket } from 'ws';
import { eventually, ServerProcess } from '../support/server-process.js';

const KEY = 'key-for-tests';

describe('the TypeScript client', () => {
  let client: typeof Client;
  let server: ServerProcess;
  let workspaceDir: string;

  beforeAll(async () => {
    // Outside a browser the client looks for a socket class where a browser has one, while it is imported.
    Object.assign(globalThis, { window: { WebSocket } });
    client = await import('@openhands/typescript-client');
    server = await ServerProcess.start({ env: { SESSION_API_KEY: KEY } });
    workspaceDir = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
  });
  afterAll(async () => {
    Reflect.deleteProperty(globalThis, 'window');
    await server.stop();
    await rm(workspaceDir, { recursive: true, force: true });
  });

  function open(callback: (event: Client.Event) => void, conversationId?: string): Client.RemoteConversation {
    const workspace = new client.RemoteWorkspace({ host: server.url, workingDir: workspaceDir, apiKey: KEY });
    const agent = {
      kind: 'Agent',
      llm: { model: 'scripted/test', usage_id: 'agent' },
      tools: [{ name: 'terminal' }, { name: 'file_editor' }],
    };
    return new client.RemoteConversation(agent, workspace, { callback, conversationId });
  }

  it('creates, talks, listens, reads, pauses and deletes', async () => {
    const seen: Client.Event[] = [];
    const conversation = open((event) => seen.push(event));
    await conversation.start();
    await conversation.startWebSocketClient();
    await eventually(() => Promise.resolve(seen.length > 0), 'the first snapshot');

    await conversation.sendMessage('RUN: echo hello > hello.txt\nFINISH: all done');
    await conversation.run();
    await eventually(
      async () => /^finished$/.test((await conversation.state.refresh()).execution_status),
      'the end',
    );
    expect(await readFile(path.join(workspaceDir, 'hello.txt'), 'utf8')).toBe('hello\n');
    expect(await conversation.getAgentFinalResponse()).toBe('all done');
    expect(Object.keys((await conversation.conversationStats()).usage_to_metrics ?? {})).toEqual(['agent']);

    const page = await conversation.state.events.search({ limit: 100, sort_order: 'TIMESTAMP' });
    const live = seen.filter((event) => (event as { key?: string }).key !== 'full_state').map(({ id }) => id);
    await eventually(() => Promise.resolve(seen.length >= page.items.length), 'all events');
    expect(page.items.map(({ id }) => id)).toEqual(expect.arrayContaining(live));
    expect(page.items.map(({ kind }) => kind)).toContain('ObservationEvent');

    await conversation.setTitle('A title');
    expect((await conversation.state.refresh()).title).toBe('A title');

    await conversation.sendMessage('RUN: sleep 1000\nFINISH: never');
    await conversation.run();
    await conversation.pause();
    const { ConversationClient } = await import('@openhands/typescript-client/clients');
    await new ConversationClient({ host: server.url, apiKey: KEY }).deleteConversation(conversation.id);
    await expect(conversation.state.refresh()).rejects.toThrow();
    await conversation.close();
  });

  it('is refused without the key', async () => {
    const workspace = new client.RemoteWorkspace({
      host: server.url,
      workingDir: workspaceDir,
      apiKey: 'wrong',
    });
    const conversation = new client.RemoteConversation(
      new client.Agent({ llm: { model: 'scripted/test' } }),
      workspace,
    );
    await expect(conversation.start()).rejects.toThrow(/401/);
  });
});
