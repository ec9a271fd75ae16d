import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConversationClient, scriptedRequest, type SeenEvent } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { amount, underLoad } from './load-watch.js';

describe('many concurrent conversations', () => {
  let server: ServerProcess;
  let workspace: string;
  const [count, limit, steps] = [amount(24, 200), amount(20, 150), amount(3, 10)];

  beforeAll(async () => {
    server = await ServerProcess.start({ env: { OH_MAX_CONCURRENT_RUNS: String(limit) } });
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
  });
  afterAll(async () => {
    await server.stop();
    await rm(workspace, { recursive: true, force: true });
  });

  /** Starts a run, or waits for the time in Retry-After. @returns whether it started */
  async function startOrWait(conversation: ConversationClient): Promise<boolean> {
    const { status, headers } = await server.request('POST', `${conversation.route}/run`);
    if (status === 200) return true;
    expect([status, headers.get('retry-after')]).toEqual([429, '1']);
    await sleep(Number(headers.get('retry-after')) * 1000);
    return false;
  }

  it('all finish, and those above the limit are told to retry', async () => {
    const lines = Array.from({ length: steps }, (_, step) => `RUN: echo step ${step}`);
    const script = ['RUN: sleep 1', ...lines, 'FINISH: done'].join('\n');
    let refused = 0;
    const seen = await underLoad(
      server,
      `${count} conversations of ${steps} commands, ${limit} at once`,
      async () => {
        const conversations = await Promise.all(
          Array.from({ length: count }, () => ConversationClient.create(server, scriptedRequest(workspace))),
        );
        await Promise.all(
          conversations.map(async (conversation) => {
            const content = [{ type: 'text', text: script }];
            const message = { role: 'user', run: false, content };
            expect((await server.request('POST', `${conversation.route}/events`, message)).status).toBe(200);
            const socket = await conversation.listen();
            while (!(await startOrWait(conversation))) refused += 1;
            const finished = ({ key, value }: SeenEvent): boolean =>
              key === 'execution_status' && value === 'finished';
            // Over the socket: two hundred clients that poll would be a load of their own.
            await eventually(() => Promise.resolve(socket.events.some(finished)), 'its end', 120_000);
            await socket.close();
            const outputs = (await conversation.events('&kind=ObservationEvent')).map((event) =>
              JSON.stringify(event),
            );
            expect(outputs).toHaveLength(steps + 2);
            for (let step = 0; step < steps; step += 1) expect(outputs[step + 1]).toContain(`step ${step}`);
          }),
        );
      },
    );
    expect(refused).toBeGreaterThan(0);
    // A running conversation needs a terminal, a log and a view.
    if (seen.memory) expect(seen.memory.peak - seen.memory.before).toBeLessThan(300);
  });
});
