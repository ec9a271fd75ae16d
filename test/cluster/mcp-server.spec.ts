import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MemberServers } from '../support/cluster/member-servers.js';
import { McpClient } from '../support/mcp-client.js';
import { describeWithDatabase } from '../support/postgres.js';
import { eventually, type ServerProcess } from '../support/server-process.js';

describeWithDatabase('the MCP servers of a cluster', () => {
  const members = MemberServers.forTests();

  const waits = async (server: ServerProcess): Promise<number> => {
    const text = String((await server.request('GET', '/metrics')).body);
    return Number(/^agent_server_rpc_waits (\d+)/m.exec(text)?.[1]);
  };

  it('serve every conversation, whichever of them has it, and end waits there that a client ends here', async () => {
    const [one, two] = [await members.start(), await members.start()];
    await one.request('POST', '/api/profiles/demo', { llm: { model: 'scripted/demo' } });
    const [first, second] = [await McpClient.connect(one), await McpClient.connect(two)];
    const file = path.join(members.folder, 'go');
    const start = {
      message: `RUN: until [ -e ${file} ]; do sleep 0.05; done\nFINISH: done`,
      llm_profile: 'demo',
    };
    const { conversation_id } = await first.done('start_conversation', { ...start, idempotency_key: 'one' });
    const id = String(conversation_id);
    const again = await second.done('start_conversation', { ...start, idempotency_key: 'one' });
    expect(again).toEqual({ conversation_id, created: false });
    const cancellation = new AbortController();
    const told: (string | undefined)[] = [];
    const cancelled = second
      .wait(id, { signal: cancellation.signal, onprogress: ({ message }) => told.push(message) })
      .catch((error: unknown) => String(error));
    await eventually(() => told.includes('Step 1: running terminal'), 'the progress');
    expect([await waits(one), await waits(two)]).toEqual([1, 0]);
    cancellation.abort('enough');
    expect(await cancelled).toContain('enough');
    await eventually(async () => (await waits(one)) === 0, 'the end of the wait');
    const waiting = second.wait(id);
    await writeFile(file, '');
    expect(await waiting).toMatchObject({ status: 'finished', response: 'done' });
    await second.done('send_message', { conversation_id, message: 'SAY: again' });
    expect(await first.wait(id)).toMatchObject({ response: 'again' });
    // What is stored is told by every server, also of a conversation whose server has died.
    await one.end('SIGKILL');
    expect(await second.done('get_conversation', { conversation_id })).toMatchObject({ response: 'again' });
    await Promise.all([first.close(), second.close()]);
  });
});
