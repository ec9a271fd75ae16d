import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConversationClient, scriptedRequest, type SeenEvent } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const MCP_PROGRAM = fileURLToPath(new URL('../support/mcp-stdio.mjs', import.meta.url));

describe('the order of messages', () => {
  let server: ServerProcess;
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'message-order-'));
    server = await ServerProcess.start();
  });
  afterEach(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  it('appends a message after all that wait for the MCP servers', async () => {
    const file = (name: string): string => path.join(folder, name);
    const [starting, released] = [file('starting'), file('released')];
    // The MCP server answers nothing before the test releases it.
    const script = 'touch "$0"; until [ -e "$1" ]; do sleep 0.01; done; shift; exec "$@"';
    const program = [process.execPath, MCP_PROGRAM, file('notes')];
    const slow = { command: 'sh', args: ['-c', script, starting, released, ...program] };
    const request = scriptedRequest(file('work'));
    const agent = { ...request.agent, mcp_config: { slow } };
    const conversation = await ConversationClient.create(server, { ...request, agent });
    const socket = await conversation.listen();

    // So many that some still wait when the last message arrives.
    const early = Array.from({ length: 50 }, (_, index) => conversation.send(`early ${index}`, false));
    await eventually(() => Promise.resolve(existsSync(starting)), 'the start of the MCP server');
    await writeFile(released, '');
    await socket.sees((event) => event.kind === 'MessageEvent', 'the first message');
    await conversation.send('late', false);

    await Promise.all(early);
    const texts = (await conversation.events('&kind=MessageEvent')).map(textOf);
    expect(texts).toHaveLength(51);
    expect(texts.at(-1)).toBe('late');
    await socket.close();
  });
});

function textOf({ llm_message }: SeenEvent): string | undefined {
  return (llm_message as { content: { text?: string }[] }).content[0]?.text;
}
