import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { describeWithBubblewrap } from '../support/sandbox.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { isAlive } from '../support/is-alive.js';
import { WAYS_OUT, type Targets } from './ways-out.js';

const KEY = 'k3y-in-a-file';

describeWithBubblewrap.each(['guarded', 'workspace'] as const)('programs in the sandbox "%s"', (mode) => {
  let folder = '';
  let server: ServerProcess;
  let targets: Targets;

  beforeAll(async () => {
    // Not below /tmp, which is another folder in the mode `workspace`.
    folder = await mkdtemp(path.join(os.homedir(), '.sandbox-test-'));
    const at = (name: string) => path.join(folder, name);
    for (const name of ['server', 'outside', 'work']) await mkdir(at(name));
    await writeFile(at('key'), KEY);
    await writeFile(at('outside/notes'), 'marker-of-notes');
    server = await ServerProcess.start({
      cwd: at('server'),
      key: KEY,
      env: {
        OH_SANDBOX: mode,
        OH_SANDBOX_REQUIRED: 'true',
        OH_SANDBOX_NETWORK: 'off',
        SESSION_API_KEY_FILE: at('key'),
        OH_SECRET_KEY: 'the-key-of-the-server',
      },
    });
    await mkdir(path.join(server.cwd, 'persistence'), { recursive: true });
    await writeFile(path.join(server.cwd, 'persistence/settings.json'), '{"marker-of-settings": 1}');
    const other = await run('true', 'marker-of-another');
    const own = await run('true');
    const conversationFolder = ({ id }: ConversationClient) =>
      path.join(server.cwd, 'workspace/conversations', id.replaceAll('-', ''));
    targets = {
      pid: server.pid,
      port: new URL(server.url).port,
      cwd: server.cwd,
      persistence: path.join(server.cwd, 'persistence'),
      outside: at('outside'),
      keyFile: at('key'),
      own: conversationFolder(own),
      other: conversationFolder(other),
    };
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  /** A conversation with one command. */
  const run = async (script: string, title = 'x'): Promise<ConversationClient> => {
    await writeFile(path.join(folder, 'work/script.sh'), script);
    const request = scriptedRequest(
      path.join(folder, 'work'),
      'RUN: bash script.sh > out 2>&1\nFINISH: done',
      {
        tags: { title },
      },
    );
    const conversation = await ConversationClient.create(server, request);
    await conversation.reaches('finished');
    return conversation;
  };
  const outputOf = async (script: string): Promise<string> => {
    await run(script);
    return readFile(path.join(folder, 'work/out'), 'utf8');
  };

  const tried = WAYS_OUT.filter((way) => way.stoppedBy.includes(mode) || way.needsRoute !== true);
  it.each(tried.map((way) => [way.stoppedBy.includes(mode) ? 'stops' : 'allows', way.title, way] as const))(
    '%s an agent that tries to %s',
    async (stops, _, { script, out, leaves }) => {
      const output = await outputOf(script(targets));
      const isOut = leaves ? existsSync(leaves(targets)) : output.includes(out ?? '');
      expect({ isOut, output }).toEqual({ isOut: stops === 'allows', output });
    },
  );

  it('ends a daemon that an agent has left behind with its conversation', async () => {
    const name = `daemon-${mode}`;
    const daemon = `setsid -f env -i bash -c 'exec -a ${name} sleep 1000' < /dev/null > /dev/null 2>&1; echo ok`;
    const conversation = await run(daemon);
    const pids = await processesNamed(name);
    expect(pids).toHaveLength(1);
    await server.request('DELETE', `/api/conversations/${conversation.id}`);
    await eventually(() => !pids.some(isAlive), 'the end of the daemon');
  });

  it('lets an agent work in its workspace and in /tmp', async () => {
    const output = await outputOf(
      'echo a > a.txt && cat a.txt; echo b > /tmp/b-$$ && cat /tmp/b-$$; rm /tmp/b-$$; exit 0',
    );
    expect(output).toBe('a\nb\n');
  });
});

/** Processes of the machine by the first word of their command line. */
async function processesNamed(name: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return line.split('\0')[0] === name ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}
