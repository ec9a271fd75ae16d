import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { WebSocket } from 'ws';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { amount, underLoad } from './load-watch.js';
import { stoppedSocket, metric } from './quick-socket.js';

const MB = 1_000_000;
/** Bytes that a command prints. A terminal processes about ten megabytes per second. */
const OUTPUT_BYTES = amount(30 * MB, 1000 * MB);
const TERMINAL_OUTPUT_BYTES = amount(10 * MB, 100 * MB);
const lines = (bytes: number): string => `yes 'a line of what a careless command prints' | head -c ${bytes}`;
const LINES = lines(OUTPUT_BYTES);

interface BashOutput {
  kind: string;
  stdout: string | null;
  stderr: string | null;
  exit_code: number | null;
}

describe('a command with endless output', () => {
  let server: ServerProcess;
  let workspace: string;

  beforeAll(async () => {
    server = await ServerProcess.start();
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
  });
  afterAll(async () => {
    await server.stop();
    await rm(workspace, { recursive: true, force: true });
  });

  const expectGrowthBelow = (
    seen: { memory: { before: number; peak: number } | null },
    mib: number,
  ): void => {
    if (seen.memory) expect(seen.memory.peak - seen.memory.before).toBeLessThan(mib);
  };

  it.each([
    ['lines', amount(TERMINAL_OUTPUT_BYTES, OUTPUT_BYTES), lines],
    [
      'one line without an end',
      TERMINAL_OUTPUT_BYTES,
      (bytes: number) => `head -c ${bytes} /dev/zero | tr '\\0' x`,
    ],
    [
      'a progress bar',
      TERMINAL_OUTPUT_BYTES,
      (bytes: number) => `yes 'done: 1 percent ' | tr '\\n' '\\r' | head -c ${bytes}`,
    ],
    [
      'backspaces',
      TERMINAL_OUTPUT_BYTES,
      (bytes: number) => `yes 'abcdefgh' | tr '\\n' '\\b' | head -c ${bytes}`,
    ],
    ['bytes that are not text', TERMINAL_OUTPUT_BYTES, (bytes: number) => `head -c ${bytes} /dev/urandom`],
  ])('does not exhaust the memory in the terminal of an agent: %s', async (name, bytes, command) => {
    const script = `RUN: ${command(bytes)}\nRUN: echo still here\nFINISH: done`;
    const seen = await underLoad(server, `terminal, ${bytes / MB} MB, ${name}`, async () => {
      const conversation = await ConversationClient.create(server, scriptedRequest(workspace, script));
      await eventually(async () => (await conversation.status()) === 'finished', 'the end', PATIENCE_MS);
      const observations = await conversation.events('&kind=ObservationEvent');
      const texts = observations.map(({ observation }) => JSON.stringify(observation));
      expect(texts[0]?.length).toBeLessThan(200_000);
      expect(texts[1]).toContain('still here');
    });
    expectGrowthBelow(seen, 200);
  });

  it('does not exhaust the memory on the bash route', async () => {
    const seen = await underLoad(server, `bash route, ${OUTPUT_BYTES / MB} MB`, async () => {
      const request = { command: `${LINES}; echo end >&2`, timeout: 300 };
      const { status, body } = await server.request('POST', '/api/bash/execute_bash_command', request);
      const { stdout, stderr, exit_code } = body as BashOutput;
      expect([status, exit_code]).toEqual([200, 0]);
      // 32 MiB are recorded of one command.
      expect(stdout).toHaveLength(Math.min(OUTPUT_BYTES, 32 * 1024 * 1024));
      if (OUTPUT_BYTES > 32 * 1024 * 1024) expect(stderr).toContain('were not recorded');
    });
    expectGrowthBelow(seen, 400);
  });

  it('reaches all readers of the bash socket, and clients that do not read cause no growth of memory', async () => {
    const [reading, stoppedCount] = [3, 10];
    const sockets = Array.from({ length: reading }, () => new BashReader(server));
    await Promise.all(sockets.map((socket) => socket.opened));
    const stopped = [];
    for (let n = 0; n < stoppedCount; n += 1)
      stopped.push(await stoppedSocket(server, '/sockets/bash-events'));
    const all = async (): Promise<boolean> =>
      (await metric(server, 'agent_server_sockets')) === reading + stoppedCount;
    await eventually(all, 'all sockets');
    const seen = await underLoad(
      server,
      `bash socket, ${OUTPUT_BYTES / MB} MB, ${stoppedCount}that do not read`,
      async () => {
        const request = { command: LINES, timeout: 300, stream: true };
        const { status } = await server.request('POST', '/api/bash/start_bash_command', request);
        expect(status).toBe(200);
        const ended = (): boolean => sockets.every(({ exitCode }) => exitCode !== undefined);
        await eventually(() => Promise.resolve(ended()), 'the end', PATIENCE_MS);
      },
    );
    for (const { characters, exitCode } of sockets) {
      expect([characters, exitCode]).toEqual([Math.min(OUTPUT_BYTES, 32 * 1024 * 1024), 0]);
    }
    expectGrowthBelow(seen, 300);
    for (const socket of stopped) socket.destroy();
    for (const socket of sockets) socket.close();
    await eventually(async () => (await metric(server, 'agent_server_sockets')) === 0, 'their end');
  });
});

const PATIENCE_MS = amount(30_000, 300_000);

/** Counts the output that comes over a socket. */
class BashReader {
  characters = 0;
  exitCode: number | undefined;
  readonly opened: Promise<void>;
  private readonly socket: WebSocket;

  constructor(server: ServerProcess) {
    this.socket = new WebSocket(server.socketUrl('/sockets/bash-events'));
    this.socket.on('message', (data: Buffer) => {
      const output = JSON.parse(data.toString()) as BashOutput;
      if (output.kind !== 'BashOutput') return;
      this.characters += output.stdout?.length ?? 0;
      this.exitCode = output.exit_code ?? undefined;
    });
    this.opened = new Promise((resolve) => this.socket.once('open', resolve));
  }

  close(): void {
    this.socket.terminate();
  }
}
