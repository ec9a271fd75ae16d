import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';

interface Terminal {
  content: { text: string }[];
  is_error: boolean;
  exit_code?: number;
  metadata: object;
}

describe('the idle timeout of the runtime', () => {
  const started = async (idle: string): Promise<ServerProcess> =>
    ServerProcess.start({ env: { OH_RUNTIME_IDLE_TIMEOUT_SECONDS: idle } });
  const limits = async (server: ServerProcess) => {
    const { body } = await server.request('GET', '/server_info');
    const info = body as Record<string, unknown>;
    return [info['runtime_idle_timeout_seconds'], info['max_foreground_terminal_timeout_seconds']];
  };

  it('reports the idle timeout, and refuses foreground commands that may take longer', async () => {
    const server = await started('30');
    try {
      expect(await limits(server)).toEqual([30, 27]);
      const calls = [
        { command: 'echo refused', timeout: 27.5 },
        { command: 'echo run', timeout: 27 },
        { command: 'echo without' },
        { command: 'echo refused', timeout: 1234567.89, reset: true },
        { command: '', timeout: 28 },
        { command: 'input', is_input: true, timeout: 28 },
      ];
      const script = [...calls.map((call) => `TOOL: terminal ${JSON.stringify(call)}`), 'FINISH: d'];
      const body = scriptedRequest(path.join(server.cwd, 'work'), script.join('\n'));
      const conversation = await ConversationClient.create(server, body);
      await conversation.reaches('finished');
      const found = (await conversation.events('&kind=ObservationEvent'))
        .filter(({ tool_name: name }) => name === 'terminal')
        .map(({ observation }) => observation as Terminal);
      const [first] = found;
      expect(first).toMatchObject({
        is_error: true,
        timeout: false,
        metadata: { exit_code: -1, pid: -1, prefix: '', suffix: '' },
      });
      expect(first).not.toHaveProperty('exit_code');
      expect(first?.content[0]?.text).toMatch(
        /^Refusing to run foreground terminal command with timeout=27\.5s\.\n\n.* after 30s\. .* currently 27s, so/,
      );
      expect(found.map(({ content, exit_code }) => [content[0]?.text.split('\n').at(-1), exit_code])).toEqual(
        [
          [expect.stringMatching(/^For long-running work, /), undefined],
          ['run', 0],
          ['without', 0],
          [expect.stringMatching(/^For long-running work, /), undefined],
          ['No previous running command to retrieve logs from.', undefined],
          ['No previous running command to interact with.', undefined],
        ],
      );
      expect(found[3]?.content[0]?.text).toContain('timeout=1.23457e+06s');
    } finally {
      await server.stop();
    }
  });

  it.each(['', ' ', '0', '-5', '30s', 'inf'])(
    'sets no limit when OH_RUNTIME_IDLE_TIMEOUT_SECONDS is %j',
    async (idle) => {
      const server = await started(idle);
      try {
        expect(await limits(server)).toEqual([null, null]);
      } finally {
        await server.stop();
      }
    },
  );
});
