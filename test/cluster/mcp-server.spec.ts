import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MemberServers } from '../support/cluster/member-servers.js';
import { McpClient } from '../support/mcp-client.js';
import { describeWithDatabase } from '../support/postgres.js';
import { eventually, type ServerProcess } from '../support/server-process.js';

const SESSION = '5b0ad2a1-6c7f-4c86-9f4b-3b7c1b2f1d10';

describeWithDatabase('the MCP servers of a cluster', () => {
  const members = MemberServers.forTests();

  const waits = async (server: ServerProcess): Promise<number> => {
    const text = String((await server.request('GET', '/metrics')).body);
    return Number(/^agent_server_rpc_waits (\d+)/m.exec(text)?.[1]);
  };

  const post = (server: ServerProcess, body: object, session = SESSION): Promise<Response> =>
    fetch(`${server.url}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-session-id': session,
      },
      body: JSON.stringify({ jsonrpc: '2.0', ...body }),
    });
  /** Waits for a conversation as request 7 of the session. @returns what is answered, if anything is */
  const waitAt = (server: ServerProcess, conversation_id: string): Promise<string> => {
    const params = { name: 'wait_for_conversation', arguments: { conversation_id, timeout_seconds: 600 } };
    return post(server, { id: 7, method: 'tools/call', params }).then(
      (response) => response.text(),
      () => 'the connection was closed',
    );
  };
  const cancelAt = (server: ServerProcess, session: string): Promise<Response> =>
    post(server, { method: 'notifications/cancelled', params: { requestId: 7 } }, session);

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
    // A cancellation may arrive at another server than its call.
    for (const [called, elsewhere] of [
      [one, two],
      [two, one],
    ] as const) {
      const answered = waitAt(called, id);
      await eventually(async () => (await waits(one)) === 1, 'the wait');
      expect((await cancelAt(elsewhere, randomUUID())).status).toBe(202);
      expect([await waits(one), (await cancelAt(elsewhere, SESSION)).status]).toEqual([1, 202]);
      // Nothing comes for what was cancelled.
      expect(await answered).not.toContain('"result"');
      await eventually(async () => (await waits(one)) === 0, 'the end of the wait');
    }
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
