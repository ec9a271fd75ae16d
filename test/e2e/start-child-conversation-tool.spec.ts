import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';

describe('the tool start_child_conversation', () => {
  let folder: string;
  let server: ServerProcess;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'child-tool-'));
    server = await ServerProcess.start({ cwd: folder });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('starts a child conversation, and reports why it cannot', async () => {
    const work = path.join(folder, 'work');
    const task = 'RUN: pwd\nFINISH: child done';
    const script = [
      `TOOL: start_child_conversation ${JSON.stringify({ task, title: 'T', isolation: 'shared' })}`,
      // There is no commit to create a worktree from.
      `TOOL: start_child_conversation ${JSON.stringify({ task })}`,
      `TOOL: start_child_conversation {"task": "x", "isolation": "other"}`,
      'FINISH: d',
    ].join('\n');
    const agent = {
      llm: { model: 'scripted/test', usage_id: 'agent' },
      tools: [{ name: 'terminal' }, { name: 'start_child_conversation' }],
    };
    const parent = await ConversationClient.create(server, scriptedRequest(work, script, { agent }));
    await parent.reaches('finished');
    const events = await parent.events();
    const [started, refused] = events.flatMap((event) => event['observation'] ?? []);
    const { sub_conversation_ids: children } = await parent.info();
    const [id] = [children].flat();
    expect(started).toEqual({
      content: [
        {
          cache_prompt: false,
          type: 'text',
          text: expect.stringMatching(
            `^Started child conversation ${String(id)} \\(status: idle\\)\\.\n{\n`,
          ) as string,
        },
      ],
      is_error: false,
      conversation_id: id,
      parent_conversation_id: parent.id,
      status: 'idle',
      title: 'T',
      workspace: work,
      isolation: 'shared',
      kind: 'StartChildConversationObservation',
    });
    expect(refused).toMatchObject({ is_error: true, kind: 'StartChildConversationObservation' });
    expect(JSON.stringify(refused)).toContain('Child conversation launch failed: ');
    expect(children).toHaveLength(1);
    const [wrong] = events.filter(({ kind }) => kind === 'AgentErrorEvent');
    expect(wrong?.['error']).toContain("isolation\n  Input should be 'worktree' or 'shared'");
    const child = new ConversationClient(server, String(id));
    await child.reaches('finished');
    expect(await child.info()).toMatchObject({ parent_conversation_id: parent.id, title: 'T' });
    expect(JSON.stringify(await child.events())).toContain('child done');
  });
});
