import { once } from 'node:events';
import { createServer } from 'node:http';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { freePort } from '../support/free-port.js';
import { isAlive } from '../support/is-alive.js';
import { startAuthorizedFront } from '../support/mcp-authorization.mjs';
import { startMcpServer, type TestMcpServer } from '../support/mcp-http.mjs';
import { mcpNotes, mcpPids, mcpProgram } from '../support/mcp-program.js';
import { startSseServer } from '../support/mcp-sse.mjs';
import { endpointLlm, startScriptedEndpoint } from '../support/scripted-endpoint.js';
import { WITHOUT_SANDBOX } from '../support/sandbox.js';
import { ServerFixture } from '../support/server-fixture.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const ENV = { ...WITHOUT_SANDBOX, OH_SECRET_KEY: 'the-key-of-the-server', SESSION_API_KEY: '' };
const ADD = 'TOOL: add {"a": 2, "b": 3}\nFINISH: x';

/** Answers each request with an error. */
async function startBrokenServer() {
  let requests = 0;
  const server = createServer((_, response) => {
    requests += 1;
    response.writeHead(503).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    requests: () => requests,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

describe('MCP servers during a conversation', () => {
  const fixture = ServerFixture.forTests({ env: ENV });
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  /** A server for a test that stops or restarts it. */
  const ownServer = async (starting: Promise<ServerProcess>): Promise<ServerProcess> => {
    const server = await starting;
    closing.push(() => server.stop());
    return server;
  };
  /** Registers what a test has started to be closed after it. */
  const owned = async <T extends { close(): Promise<void> }>(made: Promise<T>): Promise<T> => {
    const thing = await made;
    closing.push(() => thing.close());
    return thing;
  };
  const converse = (
    script: string,
    mcp_config: object,
    { server = fixture.server, llm = { model: 'scripted/test', usage_id: 'agent' } } = {},
  ) => {
    // These tests repeat the same calls on purpose.
    const more = { agent: { llm, tools: [{ name: 'terminal' }], mcp_config }, stuck_detection: false };
    return ConversationClient.create(server, scriptedRequest(fixture.workspace, script, more));
  };
  const notesFile = (): string => path.join(fixture.workspace, 'notes');
  const results = async (conversation: ConversationClient): Promise<string> =>
    JSON.stringify(
      (await conversation.events('&kind=ObservationEvent')).map((event) => event['observation']),
    );
  /** Sends a message repeatedly until the condition holds after its run. */
  const sendUntil = (conversation: ConversationClient, script: string, isThere: () => Promise<boolean>) =>
    eventually(async () => {
      await conversation.send(script);
      await conversation.reaches('finished');
      return isThere();
    }, 'the result');

  it('uses a server as soon as it can be reached, and logs the failure before once', async () => {
    const port = await freePort();
    const conversation = await converse(ADD, { late: { url: `http://127.0.0.1:${port}/mcp` } });
    await conversation.reaches('finished');
    expect(await results(conversation)).not.toContain("'add' executed");
    await owned<TestMcpServer>(startMcpServer({ port }));
    await sendUntil(conversation, ADD, async () => (await results(conversation)).includes("'add' executed"));
    await fixture.server.logs(`${conversation.id}: MCP server late can be used now`);
    const log = await fixture.server.flushedLog();
    expect(log.split('MCP server late cannot be used')).toHaveLength(2);
  });

  it('retries an unreachable server with growing delays, however many steps there are', async () => {
    const broken = await owned(startBrokenServer());
    const began = Date.now();
    const steps = Array.from({ length: 60 }, (_, index) => `TOOL: think {"thought": "${index}"}`);
    const script = [...steps, 'FINISH: x'].join('\n');
    const conversation = await converse(script, { gone: { url: `${broken.url}/mcp` } });
    await conversation.reaches('finished');
    const seconds = (Date.now() - began) / 1_000;
    expect(broken.requests()).toBeGreaterThan(0);
    expect(broken.requests()).toBeLessThanOrEqual(2 + Math.log2(1 + seconds));
  });

  it.each(['program', 'address'])(
    'disconnects a server (%s) that sends a message of more than 10 MB',
    async (kind) => {
      const script = `TOOL: many {"size": 11000000}\n${ADD}`;
      const local = mcpProgram(notesFile());
      const { url } = await owned<TestMcpServer>(startMcpServer());
      const conversation = await converse(script, { it: kind === 'program' ? local : { url } });
      await conversation.reaches('finished');
      const seen = await results(conversation);
      expect(seen).toContain('sent a message of more than 10 MB, and was disconnected');
      expect(seen).toContain("'add' executed");
    },
  );

  it('offers the tools that a server adds later, and no longer those that it removes', async () => {
    const endpoint = await owned(startScriptedEndpoint());
    const llm = endpointLlm(endpoint);
    const web = await owned<TestMcpServer>(startMcpServer());
    endpoint.script([{ tools: [['grow', { tool: 'kite' }]] }, { say: 'grown' }]);
    const conversation = await converse('grow', { web: { url: web.url } }, { llm });
    await conversation.reaches('finished');
    const offered = (): string => JSON.stringify(endpoint.requests.at(-1)?.body['tools']);
    await eventually(async () => {
      endpoint.script([{ say: 'a' }]);
      await conversation.send('what is there?');
      await conversation.reaches('finished');
      return offered().includes('"kite"');
    }, 'the new tool');
    expect(offered()).toContain('"add"');
    endpoint.script([{ tools: [['kite', {}]] }, { tools: [['shrink', {}]] }, { say: 'shrunk' }]);
    await conversation.send('use it');
    await conversation.reaches('finished');
    expect(await results(conversation)).toContain('this is kite');
    await eventually(async () => {
      endpoint.script([{ say: 'b' }]);
      await conversation.send('what is there?');
      await conversation.reaches('finished');
      return !offered().includes('"kite"');
    }, 'the end of the tool');
  });

  it('rejects a tool that a server adds later under the name of another tool', async () => {
    const web = await owned<TestMcpServer>(startMcpServer());
    const script = 'TOOL: grow {"tool": "terminal"}\nFINISH: x';
    const conversation = await converse(script, { web: { url: web.url } });
    await conversation.reaches('finished');
    await fixture.server.logs('their names are taken: terminal');
    await conversation.send('RUN: echo still the shell\nFINISH: x');
    await conversation.reaches('finished');
    expect(await results(conversation)).toContain('still the shell');
  });

  it('does not restart a server for each call when it crashes repeatedly', async () => {
    const script = Array.from({ length: 6 }, () => 'TOOL: die {}');
    const demo = mcpProgram(notesFile());
    const conversation = await converse([...script, 'FINISH: x'].join('\n'), { demo });
    await conversation.reaches('finished');
    expect(await results(conversation)).toContain(
      "The MCP server 'demo' does not start; the next attempt is possible in",
    );
    expect((await mcpPids(notesFile())).length).toBeLessThan(6);
  });

  it.each(['deletion', 'shutdown'])('ends a server with all processes that it started on %s', async (how) => {
    const server = how === 'deletion' ? fixture.server : await ownServer(ServerProcess.start({ env: ENV }));
    // A shell in between, as package runners have it, and a child that ignores SIGTERM.
    const { command, args } = mcpProgram(notesFile());
    const line = `trap "" TERM; sleep 600 & echo "pid $!" >> ${notesFile()}; ${command} ${args.join(' ')}; true`;
    const script = 'TOOL: wait {}\nFINISH: x';
    const conversation = await converse(script, { demo: { command: 'sh', args: ['-c', line] } }, { server });
    await eventually(async () => (await mcpNotes(notesFile())).includes('waiting'), 'the call');
    const started = await mcpPids(notesFile());
    expect(started.map(isAlive)).toEqual([true, true]);
    if (how === 'deletion') await server.request('DELETE', conversation.route);
    else expect(await server.end('SIGTERM')).toBe(0);
    expect(started.map(isAlive)).toEqual([false, false]);
  });

  it('supports the older protocol over HTTP, server-sent events', async () => {
    const sse = await owned(startSseServer());
    const web = { url: sse.url, headers: { 'X-Team': 'red' } };
    const conversation = await converse(ADD, { web });
    await conversation.reaches('finished');
    expect(await results(conversation)).toContain('"5"');
    expect(sse.headers.map((headers) => headers['x-team'])).toEqual(sse.headers.map(() => 'red'));
    expect(sse.clients).toBe(1);
    sse.hangUp();
    await eventually(() => sse.clients === 0, 'the end of the connection');
    await sendUntil(conversation, 'TOOL: echo {"text": "again"}\nFINISH: x', async () =>
      (await results(conversation)).includes('"again"'),
    );
    await fixture.server.request('DELETE', conversation.route);
    await eventually(() => sse.clients === 0, 'the end of the conversation');
  });

  it('renews the access token of a server, and keeps the new one over a restart', async () => {
    const first = fixture.server;
    const mcp = await owned<TestMcpServer>(startMcpServer());
    const front = await owned(startAuthorizedFront({ to: mcp.url, refreshToken: 'the-first-refresh-token' }));
    const tokens = {
      access_token: 'an-expired-token',
      refresh_token: 'the-first-refresh-token',
      token_type: 'Bearer',
    };
    const auth = { strategy: 'oauth2', state: { tokens, client_info: { client_id: 'me' } } };
    const conversation = await converse(ADD, { web: { url: front.url, auth } });
    await conversation.reaches('finished');
    expect(await results(conversation)).toContain('"5"');
    expect(front.state.renewals).toMatchObject([
      { grant_type: 'refresh_token', refresh_token: 'the-first-refresh-token', client_id: 'me' },
    ]);
    const { accessToken, refreshToken } = front.state;
    expect(JSON.stringify([await conversation.info(), await conversation.events()])).not.toContain(
      accessToken,
    );
    await fixture.restart();
    const second = fixture.server;
    await conversation.on(second).send(ADD);
    await eventually(
      async () => (await results(conversation.on(second))).split("'add' executed").length === 3,
      'the second call',
    );
    expect(front.state.renewals).toHaveLength(1);
    for (const token of [accessToken, refreshToken]) expect(first.log + second.log).not.toContain(token);
  });

  it('warns that the sign-in has expired when a refresh token is rejected', async () => {
    const mcp = await owned<TestMcpServer>(startMcpServer());
    const front = await owned(startAuthorizedFront({ to: mcp.url, refreshToken: 'another' }));
    const tokens = { access_token: 'of-yesterday', refresh_token: 'of-last-year', token_type: 'Bearer' };
    const auth = { strategy: 'oauth2', state: { tokens, client_info: { client_id: 'me' } } };
    const conversation = await converse('FINISH: x', { web: { url: front.url, auth } });
    await conversation.reaches('finished');
    await fixture.server.logs('MCP server web cannot be used: the sign-in has expired');
    expect(fixture.server.log).not.toContain('mcp-sdk');
  });

  it('warns that the environment of a server is lost after a restart without OH_SECRET_KEY', async () => {
    const demo = mcpProgram(notesFile(), { env: { TOKEN: 'mine' } });
    const script = 'TOOL: environment {"name": "TOKEN"}\nFINISH: x';
    const first = await ownServer(ServerProcess.start({ env: { ...ENV, OH_SECRET_KEY: '' } }));
    const conversation = await converse(script, { demo }, { server: first });
    await conversation.reaches('finished');
    expect(await results(conversation)).toContain('"mine"');
    const second = await ownServer(first.restart());
    await conversation.on(second).send(script);
    await eventually(
      async () => (await results(conversation.on(second))).includes('"<unset>"'),
      'the second call',
    );
    await second.logs(`conversation ${conversation.id}: no value for`);
    await second.logs('/agent/mcp_config/demo/env/TOKEN');
    await second.logs('set OH_SECRET_KEY and give it again');
  });
});
