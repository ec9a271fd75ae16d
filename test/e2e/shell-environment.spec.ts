import { execFileSync } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { acpRequest, answerOf, steps } from '../support/acp.js';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';

const MCP_PROGRAM = fileURLToPath(new URL('../support/mcp-stdio.mjs', import.meta.url));
/** What the servers of these tests have in their environment. */
const VARIABLES = {
  CI: 'value-of-ci',
  AWS_REGION: 'value-of-aws',
  MY_TOKEN_X: 'value-of-token',
  OTHER: 'value-of-other',
  // Git would use this as its repository.
  GIT_DIR: '/nowhere',
  SESSION_API_KEY: 'value-of-session-key',
  OH_SECRET_KEY: 'value-of-secret-key',
  OPENHANDS_OWN: 'value-of-server',
};
const SHOW = 'printenv CI AWS_REGION MY_TOKEN_X OTHER SESSION_API_KEY OH_SECRET_KEY OPENHANDS_OWN';

describe('the option shell_environment', () => {
  let server: ServerProcess;
  const start = async (names: string) => {
    server = await ServerProcess.start({
      env: { ...VARIABLES, OH_SHELL_ENVIRONMENT: names },
      key: VARIABLES.SESSION_API_KEY,
    });
    await mkdir(path.join(server.cwd, 'work'));
  };
  afterEach(() => server.stop());

  const folder = () => path.join(server.cwd, 'work');
  const run = async (script: string, more: Record<string, unknown> = {}) => {
    const conversation = await ConversationClient.create(server, scriptedRequest(folder(), script, more));
    await conversation.reaches('finished');
    return JSON.stringify(await conversation.events('&kind=ObservationEvent'));
  };
  const bash = async (command: string): Promise<string> => {
    const { body } = await server.request('POST', '/api/bash/execute_bash_command', { command });
    return (body as { stdout: string | null }).stdout ?? '';
  };

  it('passes the named variables to the terminal, bash routes, hooks, MCP servers and ACP agents', async () => {
    await start('CI,AWS_*, MY_*_X');
    const wanted = ['value-of-ci', 'value-of-aws', 'value-of-token'];
    expect((await bash(SHOW)).trim().split('\n')).toEqual(wanted);

    const observed = await run(`RUN: ${SHOW}\nFINISH: done`, {
      hook_config: { session_start: [{ hooks: [{ command: `${SHOW} > by-hook` }] }] },
    });
    expect(observed).toContain(`"${wanted.join('\\n')}"`);
    expect((await readFile(path.join(folder(), 'by-hook'), 'utf8')).trim().split('\n')).toEqual(wanted);

    const names = ['CI', 'AWS_REGION', 'MY_TOKEN_X', 'OTHER', 'SESSION_API_KEY', 'OPENHANDS_OWN'];
    const calls = names.map((name) => `TOOL: environment {"name":"${name}"}`);
    const agent = {
      llm: { model: 'scripted/test', usage_id: 'agent' },
      tools: [],
      mcp_config: {
        demo: { command: process.execPath, args: [MCP_PROGRAM, path.join(server.cwd, 'notes')] },
      },
    };
    const byMcp = await run([...calls, 'FINISH: done'].join('\n'), { agent });
    expect(byMcp.match(/value-of-\w+|<unset>/g)).toEqual([...wanted, '<unset>', '<unset>', '<unset>']);

    const asked = steps(...names.map((name) => ['env', name]));
    const acp = await ConversationClient.create(server, acpRequest(folder(), asked));
    await acp.reaches('finished');
    expect((await answerOf(acp)).match(/value-of-\w+/g)).toEqual(wanted);
  });

  it("never passes the server's own variables to commands, or any of them to the server's git", async () => {
    await start('*');
    const all = await bash('printenv');
    expect(all).toContain('OTHER=value-of-other');
    expect(all).not.toMatch(/^(OH_|OPENHANDS_(?!TERMINAL_ID)|SESSION_API_KEY)/m);
    expect(all).not.toMatch(/value-of-(session|secret|server)/);
    expect(all).toContain('PAGER=cat');

    execFileSync('git', ['init', '--quiet', folder()], { env: { PATH: process.env['PATH'] } });
    const { status, body } = await server.request('GET', `/api/git/changes?path=${folder()}`);
    expect([status, body]).toEqual([200, []]);
  });

  it('passes no variables by default', async () => {
    await start('');
    expect(await bash(SHOW)).toBe('');
  });
});
