import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SocketRecorder } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { openTerminal, type ShownTerminal, TerminalClient } from '../support/terminal-client.js';
import { amount, underLoad } from './load-watch.js';

const TERMINALS = amount(12, 200);
const TREES = amount(4, 50);
/** Files of the largest tree, in folders of a hundred. */
const FILES = amount(2_000, 100_000);
/** How long each load is kept up (ms). */
const DURATION_MS = amount(300, 5_000);
/** Terminals that print without end. */
const LOUD = amount(2, 10);

describe('many terminals and watched trees on one server', () => {
  let server: ServerProcess;
  let folder: string;
  const clients: TerminalClient[] = [];
  const watches: SocketRecorder[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'terminals-load-'));
    const terminals = { max: TERMINALS, max_per_key: TERMINALS };
    const env = { HOME: folder, OH_TERMINALS: JSON.stringify(terminals) };
    server = await ServerProcess.start({ env });
    for (let tree = 0; tree < TREES; tree += 1) await makeTree(path.join(folder, String(tree)), tree === 0);
  }, 300_000);
  afterAll(async () => {
    for (const { socket } of [...clients, ...watches]) socket.terminate();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const typeIntoAll = (those: readonly TerminalClient[], text: string): void => {
    for (const client of those) client.type(text);
  };

  it('leave /health and memory within their bounds', async () => {
    const terminals: ShownTerminal[] = [];
    await underLoad(server, `${TERMINALS} terminals are opened`, async () => {
      for (let at = 0; at < TERMINALS; at += 1) {
        const terminal = await openTerminal(server);
        terminals.push(terminal);
        clients.push(await new TerminalClient(server, terminal).ready());
      }
    });
    await underLoad(server, 'they are idle', () => sleep(DURATION_MS));
    await underLoad(server, 'each runs a command', async () => {
      typeIntoAll(clients, 'echo an""swer\r');
      await eventually(() => clients.every(({ text }) => text.includes('answer\r\n')), 'the answers');
    });
    await underLoad(server, `${LOUD} of them print without end`, async () => {
      typeIntoAll(clients.slice(0, LOUD), 'yes\r');
      await sleep(DURATION_MS);
      typeIntoAll(clients.slice(0, LOUD), '\x03');
    });
    await underLoad(server, `${TREES} trees are watched, one of ${FILES} files`, async () => {
      for (let tree = 0; tree < TREES; tree += 1) {
        const query = `path=${encodeURIComponent(path.join(folder, String(tree)))}`;
        watches.push(new SocketRecorder(server.socketUrl(`/sockets/files?${query}`)));
      }
      const isWatching = ({ frames }: SocketRecorder): boolean =>
        frames.some((frame) => (frame as unknown as { state?: string }).state === 'watching');
      await eventually(() => watches.every(isWatching), 'the watches');
    });
    await underLoad(server, 'the largest tree is removed', async () => {
      await rm(path.join(folder, '0'), { recursive: true });
      const isGone = (frame: unknown): boolean => (frame as { state?: string }).state === 'gone';
      await eventually(() => watches[0]?.frames.some(isGone) === true, 'its end');
    });
    const { memory } = await underLoad(server, 'all terminals are closed at once', async () => {
      const closed = terminals.map(({ id }) => server.request('DELETE', `/api/terminals/${id}`));
      expect((await Promise.all(closed)).every(({ status }) => status === 200)).toBe(true);
    });
    expect(memory?.peak ?? 0).toBeLessThan(400);
  }, 300_000);
});

async function makeTree(root: string, isLarge: boolean): Promise<void> {
  const folders = isLarge ? FILES / 100 : 20;
  for (let at = 0; at < folders; at += 1) {
    const inside = path.join(root, String(at));
    await mkdir(inside, { recursive: true });
    const names = Array.from({ length: isLarge ? 100 : 5 }, (_, name) => String(name));
    await Promise.all(names.map((name) => writeFile(path.join(inside, name), '')));
  }
}
