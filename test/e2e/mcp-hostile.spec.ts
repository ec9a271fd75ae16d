import { fileURLToPath } from 'node:url';
import { ServerFixture } from '../support/server-fixture.js';

const SERVER = fileURLToPath(new URL('../support/mcp-hostile.mjs', import.meta.url));

describe('MCP servers with oversized messages', () => {
  const fixture = ServerFixture.forTests();

  /** Has the agent call `echo`. @returns the observation or the error as text */
  const callEcho = async (mode: string): Promise<string> => {
    const agent = {
      llm: { model: 'scripted/test', usage_id: 'agent' },
      mcp_config: { hostile: { command: process.execPath, args: [SERVER, mode] } },
    };
    const conversation = await fixture.run('TOOL: echo {}\nSAY: bye', { agent });
    const events = await conversation.events();
    return JSON.stringify(events.filter(({ kind }) => /^(ObservationEvent|AgentErrorEvent)$/.test(kind)));
  };

  it.each(['many-tools', 'deep-schema', 'wide-schema'])(
    'leaves out an MCP server that lists %s, logs the reason and continues the run',
    async (mode) => {
      expect(await callEcho(mode)).toContain("Tool 'echo' not found");
      await fixture.server.logs(
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
