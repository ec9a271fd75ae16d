import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ConversationClient } from '../support/conversation-client.js';
import { isAlive } from '../support/is-alive.js';
import { describeWithBubblewrap } from '../support/sandbox.js';
import { SandboxFixture } from '../support/sandbox-fixture.js';
import { eventually } from '../support/server-process.js';
import { WAYS_OUT, type Targets } from './ways-out.js';

const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

describeWithBubblewrap.each(['guarded', 'workspace'] as const)('programs in the sandbox "%s"', (mode) => {
  let fixture: SandboxFixture;
  let targets: Targets;
  let services: Server[];
  /** The agent that tries. */
  let agent: ConversationClient;

  beforeAll(async () => {
    fixture = await SandboxFixture.start(mode, { OH_SANDBOX_NETWORK: 'off' });
    const { server } = fixture;
    const other = await fixture.run('RUN: true', { tags: { title: 'marker-of-another' } });
    agent = await fixture.run('RUN: true');
    const name = `ways-out-${process.pid}-${mode}`;
    targets = {
      pid: server.pid,
      port: new URL(server.url).port,
      cwd: server.cwd,
      persistence: fixture.at('server/persistence'),
      outside: fixture.at('outside'),
      keyFile: fixture.at('key'),
      program: PROGRAM,
      socket: fixture.at('outside/socket'),
      abstract: name,
      shared: `/dev/shm/${name}`,
      own: fixture.folderOf(agent),
      other: fixture.folderOf(other),
    };
    await writeFile(targets.shared, 'marker-of-shared');
    services = await Promise.all([targets.socket, `\0${name}`].map(listen));
  });
  afterAll(async () => {
    for (const service of services) service.close();
    await rm(targets.shared);
    await fixture.stop();
  });

  const tried = WAYS_OUT.filter((way) => way.stoppedBy.includes(mode) || way.needsRoute !== true);
  it.each(tried.map((way) => [way.stoppedBy.includes(mode) ? 'stops' : 'allows', way.title, way] as const))(
    '%s an agent that tries to %s',
    async (stops, _, { script, out, leaves }) => {
      const output = await fixture.outputOf(script(targets), agent);
      const isOut = leaves ? existsSync(leaves(targets)) : output.includes(out ?? '');
      expect({ isOut, output }).toEqual({ isOut: stops === 'allows', output });
    },
  );

  it('ends a daemon that an agent has left behind with its conversation', async () => {
    const name = `daemon-${mode}`;
    const daemon = `setsid -f env -i bash -c 'exec -a ${name} sleep 1000' < /dev/null > /dev/null 2>&1; echo ok`;
    const conversation = await fixture.run(`RUN: ${daemon}`);
    const pids = await processesNamed(name);
    expect(pids).toHaveLength(1);
    await fixture.server.request('DELETE', `/api/conversations/${conversation.id}`);
    await eventually(() => !pids.some(isAlive), 'the end of the daemon');
  });

  it('lets an agent work in its workspace and in /tmp', async () => {
    const output = await fixture.outputOf(
      'echo a > a.txt && cat a.txt; echo b > /tmp/b-$$ && cat /tmp/b-$$; rm /tmp/b-$$; exit 0',
    );
    expect(output).toBe('a\nb\n');
  });
});

/** A service that accepts connections. */
async function listen(at: string): Promise<Server> {
  const service = createServer((socket) => socket.destroy()).listen(at);
  await once(service, 'listening');
  return service;
}

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
