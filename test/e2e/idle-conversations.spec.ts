import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ConversationClient } from '../support/conversation-client.js';
import { isAlive } from '../support/is-alive.js';
import { endpointLlm, startScriptedEndpoint } from '../support/scripted-endpoint.js';
import { WITHOUT_SANDBOX } from '../support/sandbox.js';
import { ServerFixture } from '../support/server-fixture.js';
import { eventually } from '../support/server-process.js';

/** Seconds after which these tests have the server close an idle conversation. */
const IDLE_TTL = '0.3';

describe('idle conversations', () => {
  const fixture = ServerFixture.forTests({
    env: { ...WITHOUT_SANDBOX, OH_CONVERSATION_IDLE_TTL_SECONDS: IDLE_TTL },
  });

  /** An open conversation has a lease that has not expired. Reading the lease does not count as use. */
  const isOpen = async ({ id }: ConversationClient): Promise<boolean> => {
    const folder = path.join(fixture.server.cwd, 'workspace/conversations', id.replaceAll('-', ''));
    const lease: unknown = JSON.parse(await readFile(path.join(folder, 'owner_lease.json'), 'utf8'));
    if (typeof lease !== 'object' || lease === null || !('expires_at' in lease)) throw new Error('no lease');
    return lease.expires_at !== 0;
  };
  const closes = (conversation: ConversationClient) =>
    eventually(async () => !(await isOpen(conversation)), 'the end of the conversation in memory');

  it('closes an idle conversation with its shell, and reopens it with all that it held', async () => {
    const conversation = await fixture.run('RUN: echo $$ > shell.pid; echo one\nFINISH: first');
    await fixture.server.request('PATCH', conversation.route, { title: 'kept', tags: { a: '1' } });
    const [events, info] = [await conversation.events(), await conversation.info()];
    await closes(conversation);
    const pid = (await readFile(path.join(fixture.workspace, 'shell.pid'), 'utf8')).trim();
    await eventually(() => !isAlive(Number(pid)), 'the end of the shell');

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
    endpoint.script([{ say: 'an answer', wait: 1 }]);
    try {
      const llm = endpointLlm(endpoint);
      const conversation = await fixture.create(undefined, { agent: { llm, tools: [] } });
      expect(await conversation.post('ask_agent', { question: 'what?' })).toMatchObject({
        status: 200,
        body: { response: 'an answer' },
      });
    } finally {
      await endpoint.close();
    }
  });

  it('keeps a conversation open while a socket watches it or a run is active', async () => {
    const watched = await fixture.run('SAY: hi');
    const running = await fixture.create('WAIT: 1000\nSAY: late');
    const socket = await watched.listen();
    const idle = await fixture.create('SAY: hi');
    await closes(idle);
    expect([await isOpen(watched), await isOpen(running)]).toEqual([true, true]);
    await socket.close();
    await closes(watched);
    expect(await running.status()).toBe('running');
    expect(await isOpen(running)).toBe(true);
    await running.post('interrupt');
  });

  it('accepts messages that arrive while an idle conversation is being closed', async () => {
    const conversation = await fixture.run('SAY: hi');
    for (let round = 0; round < 3; round++) {
      await closes(conversation);
      await Promise.all(Array.from({ length: 5 }, () => conversation.send('note', false)));
    }
    const notes = await conversation.events('&kind=MessageEvent&source=user');
    expect(notes).toHaveLength(1 + 3 * 5);
  });
});
