import { MemberServers } from '../support/cluster/member-servers.js';
import {
  ConversationClient,
  scriptedRequest,
  SocketRecorder,
  type SeenConversation,
} from '../support/conversation-client.js';
import { makeKey, shown } from '../support/named-keys.js';
import { describeWithDatabase } from '../support/postgres.js';
import { endpointLlm, startScriptedEndpoint } from '../support/scripted-endpoint.js';
import { eventually, type ServerProcess } from '../support/server-process.js';

const SESSION = 'session-key';
const ENV = { SESSION_API_KEY: SESSION };
const CURRENT = '/api/keys/current';
/** What calls have cost: the endpoint reports 1,000 prompt tokens for the first one, then always one more. */
const costOf = (calls: number): number => (1000 * calls + (calls * (calls - 1)) / 2) / 1000;

describeWithDatabase('named keys on several servers', () => {
  const members = MemberServers.forBlock();
  let one: ServerProcess;
  let two: ServerProcess;
  beforeAll(async () => {
    [one, two] = await Promise.all([members.start('one', ENV), members.start('two', ENV)]);
  });

  const ask = (server: ServerProcess, key: string, route: string) =>
    server.request('GET', route, undefined, shown(key));

  /** A conversation that the first server has. */
  const conversationOn = async (server: ServerProcess): Promise<ConversationClient> => {
    const request = scriptedRequest(members.folder, 'FINISH: ok');
    const { body } = await server.request('POST', '/api/conversations', request, shown(SESSION));
    return new ConversationClient(server, (body as { id: string }).id);
  };

  it('are accepted by all as soon as they are made, and passed on with what they may do', async () => {
    const { route } = await conversationOn(one);
    const reader = await makeKey(two, { scope: 'read' }, shown(SESSION));
    // The second server has no such conversation: it passes the request on.
    expect((await ask(two, reader.key, `${route}/runtime`)).status).toBe(200);
    expect((await ask(one, reader.key, CURRENT)).body).toMatchObject({ id: reader.id, scope: 'read' });
    const change = await two.request('POST', `${route}/pause`, undefined, shown(reader.key));
    expect(change.status).toBe(403);
  });

  it('end on all servers, and on sockets that one passes to another', async () => {
    const { id } = await conversationOn(one);
    const made = await makeKey(one, { scope: 'write' }, shown(SESSION));
    const sockets = [one, two].map(
      (server) => new SocketRecorder(server.socketUrl(`/sockets/session/${id}`), shown(made.key)),
    );
    const late = new SocketRecorder(two.socketUrl(`/sockets/session/${id}`));
    await late.opened();
    late.socket.send(JSON.stringify({ type: 'auth', session_api_key: made.key }));
    await eventually(() => [...sockets, late].every(({ frames }) => frames.length > 0), 'the frames');
    const revoked = await two.request('DELETE', `/api/keys/${made.id}`, undefined, shown(SESSION));
    expect(revoked.status).toBe(204);
    expect((await ask(two, made.key, CURRENT)).status).toBe(401);
    await eventually(() => [...sockets, late].every(({ closeCode }) => closeCode === 4001), 'the ends');
    await eventually(async () => (await ask(one, made.key, CURRENT)).status === 401, 'the refusal');
  });

  it('spend their limit once, whichever servers their conversations are on', async () => {
    const endpoint = await startScriptedEndpoint();
    try {
      const servers = [one, two];
      const { key } = await makeKey(one, { limits: { usd_per_day: 10 } }, shown(SESSION));
      const llm = endpointLlm(endpoint, { input_cost_per_token: 0.001, output_cost_per_token: 0 });
      const think = (_: unknown, index: number) => ({
        tools: [['think', { thought: `number ${index}` }]] as [string, object][],
      });
      endpoint.script(Array.from({ length: 60 }, think));
      const spentOn = async (server: ServerProcess): Promise<string> => {
        const request = scriptedRequest(members.folder, 'go', { agent: { llm, tools: [] } });
        const { body } = await server.request('POST', '/api/conversations', request, shown(key));
        const route = `/api/conversations/${(body as SeenConversation).id}`;
        await eventually(async () => {
          const info = await server.request('GET', route, undefined, shown(SESSION));
          return (info.body as SeenConversation).execution_status === 'error';
        }, 'the end of the run');
        const query = 'kind=ConversationErrorEvent';
        const found = await server.request(
          'GET',
          `${route}/events/search?${query}`,
          undefined,
          shown(SESSION),
        );
        return JSON.stringify(found.body);
      };
      await Promise.all(servers.map(spentOn));
      // One server may be answered while the other one spends the last dollar.
      const calls = endpoint.requests.length;
      expect(calls).toBeGreaterThanOrEqual(10);
      expect(calls).toBeLessThanOrEqual(11);
      for (const server of servers)
        expect(await spentOn(server)).toContain(`have cost $${costOf(calls).toFixed(4)} today`);
      expect(endpoint.requests).toHaveLength(calls);
    } finally {
      await endpoint.close();
    }
  });
});
