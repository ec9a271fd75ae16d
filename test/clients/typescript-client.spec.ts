import type * as Client from '@openhands/typescript-client';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { eventually } from '../support/server-process.js';
import { TypeScriptClientFixture } from '../support/typescript-client-fixture.js';

describe('the TypeScript client', () => {
  let fixture: TypeScriptClientFixture;
  let client: typeof Client;
  let workspaceDir: string;

  beforeAll(async () => {
    fixture = await TypeScriptClientFixture.start();
    ({ client, folder: workspaceDir } = fixture);
  });
  afterAll(() => fixture.stop());

  it('creates a conversation, sends messages, listens, reads, pauses and deletes', async () => {
    const seen: Client.Event[] = [];
    const conversation = fixture.conversation({ callback: (event) => seen.push(event) });
    await conversation.start();
    await conversation.startWebSocketClient();
    await eventually(() => Promise.resolve(seen.length > 0), 'the first snapshot');

    await conversation.sendMessage('RUN: echo hello > hello.txt\nFINISH: all done');
    await conversation.run();
    await fixture.reaches(conversation, 'finished');
    expect(await readFile(path.join(workspaceDir, 'hello.txt'), 'utf8')).toBe('hello\n');
    expect(await conversation.getAgentFinalResponse()).toBe('all done');
    expect(Object.keys((await conversation.conversationStats()).usage_to_metrics ?? {})).toEqual(['agent']);

    const page = await conversation.state.events.search({ limit: 100, sort_order: 'TIMESTAMP' });
    await eventually(() => Promise.resolve(seen.length >= page.items.length), 'all events');
    expect(page.items.map(({ id }) => id)).toEqual(expect.arrayContaining(live(seen)));
    expect(page.items.map(({ kind }) => kind)).toContain('ObservationEvent');

    await conversation.setTitle('A title');
    expect((await conversation.state.refresh()).title).toBe('A title');

    await conversation.sendMessage('RUN: sleep 1000\nFINISH: never');
    await conversation.run();
    await conversation.pause();
    const { ConversationClient } = await import('@openhands/typescript-client/clients');
    await new ConversationClient(fixture.options).deleteConversation(conversation.id);
    await expect(conversation.state.refresh()).rejects.toThrow();
    await conversation.close();
  });

  it('approves and rejects actions, sets secrets, asks the agent, switches the model, forks and navigates', async () => {
    const seen: Client.Event[] = [];
    const conversation = fixture.conversation({ callback: (event) => seen.push(event) });
    const reaches = (status: string, of = conversation) => fixture.reaches(of, status);
    await conversation.start();
    await conversation.startWebSocketClient();
    await conversation.setConfirmationPolicy({ kind: 'AlwaysConfirm' });
    await conversation.setSecurityAnalyzer(null);

    await conversation.sendMessage('RUN: touch approved\nFINISH: done');
    await conversation.run();
    await reaches('waiting_for_confirmation');
    await conversation.sendConfirmationResponse(true);
    await reaches('finished');
    await conversation.sendMessage('RUN: touch rejected\nFINISH: done');
    await conversation.run();
    await reaches('waiting_for_confirmation');
    await conversation.sendConfirmationResponse(false, 'not that');
    await reaches('idle');
    const files = await readdir(workspaceDir);
    expect([files.includes('approved'), files.includes('rejected')]).toEqual([true, false]);

    await conversation.setConfirmationPolicy({ kind: 'NeverConfirm' });
    await conversation.updateSecrets({ TOKEN: 'marked-secret' });
    await conversation.sendMessage('RUN: echo "<$TOKEN>"; echo ${#TOKEN}\nFINISH: done');
    await conversation.run();
    await reaches('finished');
    const texts = JSON.stringify((await conversation.state.events.search({ limit: 100 })).items);
    expect(texts).toContain('<<secret-hidden>>');
    expect(texts).not.toContain('marked-secret');

    expect(await conversation.askAgent('SAY: an answer')).toMatch(/^an answer\n/);
    await conversation.switchLlm({ model: 'scripted/other', usage_id: 'other' });
    await conversation.sendMessage('SAY: by the other');
    await conversation.run();
    await reaches('finished');
    expect(Object.keys((await conversation.conversationStats()).usage_to_metrics ?? {})).toContain('other');

    const [first] = (await conversation.state.events.search({ limit: 1 })).items;
    const fork = await conversation.fork({ title: 'A fork' });
    await fork.navigateTo(first?.id ?? null);
    await fork.sendMessage('SAY: another way');
    await fork.run();
    await reaches('finished', fork);
    expect(await fork.getAgentFinalResponse()).toBe('another way');
    expect(await conversation.getAgentFinalResponse()).toBe('by the other');

    const page = await conversation.state.events.search({ limit: 100 });
    await eventually(() => Promise.resolve(live(seen).length >= page.items.length), 'all events live');
    expect(live(seen).slice(-page.items.length)).toEqual(page.items.map(({ id }) => id));
    await Promise.all([conversation.close(), fork.close()]);
  });

  it('is refused with a wrong key', async () => {
    const workspace = new client.RemoteWorkspace({
      ...{ ...fixture.options, workingDir: workspaceDir, apiKey: 'wrong' },
    });
    const conversation = new client.RemoteConversation(
      new client.Agent({ llm: { model: 'scripted/test' } }),
      workspace,
    );
    await expect(conversation.start()).rejects.toThrow(/401/);
  });
});

/** The ids of the events that are also in the log. */
function live(seen: readonly Client.Event[]): string[] {
  return seen.filter((event) => (event as { key?: string }).key !== 'full_state').map(({ id }) => id);
}
