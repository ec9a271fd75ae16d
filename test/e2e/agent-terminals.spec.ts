import { eventually, ServerProcess } from '../support/server-process.js';
import { asJson } from '../support/settings-fixture.js';
import { type ShownTerminal, TerminalClient } from '../support/terminal-client.js';

const SECRET = 'a-value-nobody-may-see';

describe('the terminal of an agent', () => {
  let server: ServerProcess;
  let id: string;
  beforeAll(async () => {
    server = await ServerProcess.start();
    const { body } = await server.request('POST', '/api/conversations', {
      agent: { kind: 'Agent', llm: { model: 'scripted/demo', usage_id: 'a' }, tools: [{ name: 'terminal' }] },
      workspace: { working_dir: 'workspace/project' },
      secrets: { TOKEN: { kind: 'StaticSecret', value: SECRET } },
    });
    id = String(asJson(body)['id']);
  });
  afterAll(() => server.stop());

  const begin = (command: string, more: object = {}) => {
    const text = `TOOL: terminal ${JSON.stringify({ command, ...more })}\nFINISH: done`;
    const message = { role: 'user', content: [{ type: 'text', text }], run: true };
    return server.request('POST', `/api/conversations/${id}/events`, message);
  };
  /** Runs a command of the agent. @returns what the agent is told */
  const run = async (command: string, more: object = {}): Promise<string> => {
    await begin(command, more);
    const status = async () => asJson((await server.request('GET', `/api/conversations/${id}`)).body);
    await eventually(async () => (await status())['execution_status'] === 'finished', 'the end of the run');
    const { body } = await server.request('GET', `/api/conversations/${id}/events/search?limit=100`);
    const events = asJson(body)['items'] as { tool_name?: string; observation?: object }[];
    return JSON.stringify(
      events.filter((event) => event.tool_name === 'terminal' && event.observation).at(-1),
    );
  };
  const terminalOf = async (): Promise<ShownTerminal> => {
    const { body } = await server.request('GET', `/api/conversations/${id}/terminals`);
    const [terminal] = asJson(body)['items'] as ShownTerminal[];
    if (!terminal) throw new Error('the agent has no terminal');
    return terminal;
  };
  const act = async (what: 'take_over' | 'give_back'): Promise<number> => {
    const route = `/api/conversations/${id}/terminals/${(await terminalOf()).id}/${what}`;
    return (await server.request('POST', route)).status;
  };

  it('can be watched, with secrets masked, and not typed into', async () => {
    await run('echo "[$TOKEN]"; MINE=1');
    const terminal = await terminalOf();
    expect(terminal).toMatchObject({ agent: true, taken_over_by: null });
    const client = await new TerminalClient(server, terminal).ready();
    await client.shows('[<secret-hidden>]');
    expect(client.text).toContain('echo "[$TOKEN]"');
    expect(client.text).not.toContain(SECRET);
    client.type('echo no\r');
    await client.hears('error', { code: 'TerminalStateError' });
    expect((await server.request('DELETE', `/api/conversations/${id}/terminals/${terminal.id}`)).status).toBe(
      409,
    );
    client.socket.terminate();
  });

  it('can be taken over, and is given back as the agent left it', async () => {
    const client = await new TerminalClient(server, await terminalOf()).ready();
    expect(await act('take_over')).toBe(200);
    expect(await act('take_over')).toBe(409);
    client.say({ type: 'resize', rows: 24, cols: 80 });
    await client.shows(/[#$] $/);
    client.type('MINE=2; cd /tmp; stty size; echo ty""ped\r');
    await client.shows('typed\r\n');
    expect(client.text).toContain('24 80');
    client.type('half a comm');
    expect(await act('give_back')).toBe(200);
    await client.hears('control', { taken_over_by: null });
    const told = await run('echo "mine is $MINE in $PWD"; stty size');
    expect(told).toContain('mine is 2 in /tmp');
    expect(told).toContain('200 256');
    expect(told).toContain('a person used this terminal');
    expect(await run('echo again')).not.toContain('a person');
    client.socket.terminate();
  });

  it('goes back to an agent that goes on, without what the person has left running', async () => {
    const client = await new TerminalClient(server, await terminalOf()).ready();
    await act('take_over');
    await client.shows(/[#$] $/);
    client.type('echo lo""ng; sleep 1000\r');
    await client.shows('long\r\n');
    const told = await run('echo next');
    expect(told).toContain('A program that the person had left running was ended');
    expect(told).toContain('next');
    await client.hears('control', { taken_over_by: null });
    client.socket.terminate();
  });

  it('lets a person answer a command that waits, and is not to be had while the agent works', async () => {
    await run('read -p "name: " name; echo "hello $name"', { timeout: 0.5 });
    const client = await new TerminalClient(server, await terminalOf()).ready();
    await act('take_over');
    client.type('Ada\r');
    await client.shows('hello Ada');
    await act('give_back');
    expect(await run('')).toContain('hello Ada');

    await begin('echo at work; sleep 1000');
    await client.shows('at work\r\n');
    expect(await act('take_over')).toBe(409);
    await server.request('POST', `/api/conversations/${id}/interrupt`);
    await eventually(async () => (await act('take_over')) === 200, 'the terminal of the paused agent');
    await act('give_back');
    await server.request('DELETE', `/api/conversations/${id}`);
    await client.hears('exit');
  });
});
