import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';

const SERVER = fileURLToPath(new URL('../support/mcp-hostile.mjs', import.meta.url));
const SCRIPT = 'TOOL: echo {}\nSAY: bye';

describe('MCP servers with oversized messages', () => {
  let folder: string;
  let server: ServerProcess;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'mcp-hostile-'));
    server = await ServerProcess.start();
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Has the agent call `echo`. @returns the observation or the error as text */
  const callEcho = async (mode: string): Promise<string> => {
    const agent = {
      llm: { model: 'scripted/test', usage_id: 'agent' },
      mcp_config: { hostile: { command: process.execPath, args: [SERVER, mode] } },
    };
    const conversation = await ConversationClient.create(server, scriptedRequest(folder, SCRIPT, { agent }));
    await conversation.reaches('finished');
    const events = await conversation.events();
    return JSON.stringify(events.filter(({ kind }) => /^(ObservationEvent|AgentErrorEvent)$/.test(kind)));
  };

  it.each(['many-tools', 'deep-schema', 'wide-schema'])(
    'leaves out an MCP server that lists %s, logs the reason and continues the run',
    async (mode) => {
      expect(await callEcho(mode)).toContain("Tool 'echo' not found");
      await server.logs(
        mode === 'deep-schema' ? 'nested more than 128 levels deep' : 'more than 100000 values',
      );
    },
  );

  it('offers the other tools of a server when one has a name of a million characters', async () => {
    const answer = await callEcho('long-name');
    expect(answer).toContain('done');
    expect(answer.length).toBeLessThan(10_000);
  });

  it.each(['many-values', 'deep-result', 'many-parts'])(
    'turns a result with %s into an error of the call',
    async (mode) => {
      expect(await callEcho(mode)).toMatch(
        /The MCP server sent a message of (more than 100000 values|nested more than 128 levels deep)/,
      );
    },
  );
});
