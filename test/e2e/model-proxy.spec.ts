import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { endpointLlm, startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { ServerProcess } from '../support/server-process.js';

describe('connections to models', () => {
  let endpoint: ChatEndpoint;
  let proxy: Server;
  let tunnels: string[];
  let workspace: string;

  beforeEach(async () => {
    endpoint = await startScriptedEndpoint();
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
    tunnels = [];
    proxy = createServer().listen(0, '127.0.0.1');
    proxy.on('connect', ({ url = '' }, client: net.Socket) => {
      tunnels.push(url);
      const { hostname, port } = new URL(`http://${url}`);
      const target = net.connect(Number(port), hostname, () => {
        client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        target.pipe(client).pipe(target);
      });
      for (const socket of [client, target])
        socket.on('error', () => [client, target].map((one) => one.destroy()));
    });
    await once(proxy, 'listening');
  });
  afterEach(async () => {
    await endpoint.close();
    proxy.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
    await rm(workspace, { recursive: true, force: true });
  });

  async function answerOf(env: Record<string, string>): Promise<string | undefined> {
    const server = await ServerProcess.start({ env });
    try {
      const llm = endpointLlm(endpoint);
      const request = scriptedRequest(workspace, 'SAY: hello', { agent: { llm, tools: [] } });
      const conversation = await ConversationClient.create(server, request);
      await conversation.reaches('finished');
      const [message] = await conversation.events('&kind=MessageEvent&source=agent');
      return (message?.llm_message as { content: { text: string }[] }).content[0]?.text;
    } finally {
      await server.stop();
    }
  }
  const proxyUrl = (): string => `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;

  it('sends model calls through the proxy that HTTP_PROXY names', async () => {
    expect(await answerOf({ HTTP_PROXY: proxyUrl() })).toBe('hello');
    expect(tunnels).toEqual([new URL(endpoint.url).host]);
  });

  it('connects directly to hosts that NO_PROXY names', async () => {
    expect(await answerOf({ HTTP_PROXY: proxyUrl(), NO_PROXY: '127.0.0.1' })).toBe('hello');
    expect(tunnels).toEqual([]);
    expect(endpoint.requests).not.toEqual([]);
  });
});
