import { execFile } from 'node:child_process';
import { mkdtemp, readdir, realpath, rm, statfs, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { amount } from '../load/load-watch.js';
import { ConversationClient, scriptedRequest, type SeenEvent } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { canMount, SmallDisk } from '../support/small-disk.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const run = promisify(execFile);
/** About 3 MB of output, which the conversation keeps in full. */
const FILL = `RUN: head -c 3000000 /dev/zero | tr '\\0' x\nFINISH: filled`;
const HALF = 0.5;
/** Conversations that fill the disk. */
const FILLED = amount(4, 7);

const mountable = await canMount();
if (!mountable) process.stderr.write('no tests of a disk budget: this machine lets nobody mount a tmpfs\n');

(mountable ? describe : describe.skip)('the disk budget', () => {
  let folder: string;
  let disk: SmallDisk;
  let server: ServerProcess;
  let receiver: WebhookReceiver;

  beforeAll(async () => {
    folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'agent-server-')));
    disk = await SmallDisk.mount(path.join(folder, 'workspace/conversations'), '20m');
    receiver = await WebhookReceiver.start();
    server = await ServerProcess.start({
      cwd: folder,
      wrapper: disk.wrapper(folder),
      env: {
        OH_CONVERSATION_STORAGE_DISK_BUDGET: String(HALF),
        OH_CONVERSATION_STORAGE_SWEEP_SECONDS: '0.2',
        OH_CONVERSATION_STORAGE_KEEP_SECONDS: '0',
        OH_WEBHOOKS_0_BASE_URL: receiver.url,
      },
    });
  });
  afterAll(async () => {
    await server.stop();
    await receiver.down();
    await disk.unmount();
    await rm(folder, { recursive: true, force: true });
  });

  const create = (script: string, more: Record<string, unknown> = {}): Promise<ConversationClient> =>
    ConversationClient.create(server, scriptedRequest(path.join(folder, 'work'), script, more));
  const exists = async ({ route }: ConversationClient): Promise<boolean> =>
    (await server.request('GET', route)).status === 200;
  const usedShare = async (): Promise<number> => {
    const { blocks, bfree } = await statfs(disk.at());
    return (blocks - bfree) / blocks;
  };

  it('makes room for agents that fill the disk, and loses nothing that runs, waits or is kept', async () => {
    const bookmarked = await create(FILL, { tags: { bookmark: 'yes' } });
    await bookmarked.reaches('finished');
    const running = await create(
      `${FILL.split('\n')[0] ?? ''}\nRUN: until [ -e go ]; do echo; sleep 0.1; done\nFINISH: ran`,
    );
    const waiting = await create('RUN: echo waits\nFINISH: never', {
      confirmation_policy: { kind: 'AlwaysConfirm' },
    });
    await waiting.reaches('waiting_for_confirmation');
    const filled: ConversationClient[] = [];
    // Together with the others more than half of the disk, and with LOAD=full more than all of it.
    for (let count = 0; count < FILLED; count += 1) {
      const conversation = await create(FILL);
      filled.push(conversation);
      await eventually(
        async () => !(await exists(conversation)) || (await conversation.status()) === 'finished',
        'the end of a run',
      );
    }
    await eventually(async () => (await usedShare()) <= HALF, 'room on the disk');

    expect(await Promise.all([bookmarked, running, waiting].map((kept) => kept.status()))).toEqual([
      'finished',
      'running',
      'waiting_for_confirmation',
    ]);
    const left = await Promise.all(filled.map(exists));
    const removed = filled.filter((_, index) => !left[index]);
    expect(removed.length).toBeGreaterThanOrEqual(FILLED - 2);
    // The oldest have made room.
    expect(left).toEqual(filled.map((_, index) => index >= removed.length));
    await writeFile(path.join(folder, 'work/go'), '');
    await running.reaches('finished');
    expect(await bookmarked.events('&kind=ObservationEvent')).toHaveLength(2);

    await server.logs(/for the disk budget\).*of a budget of 10\.\d MB/);
    const { body: metrics } = await server.request('GET', '/metrics');
    const metric = /retention_removed_total\{kind="conversations_by_budget"\} (\d+)/.exec(String(metrics));
    expect(Number(metric?.[1])).toBeGreaterThanOrEqual(removed.length);
    const [first] = removed;
    const hex = first?.id.replaceAll('-', '') ?? '';
    await eventually(
      () =>
        receiver
          .taken('conversations')
          .some(({ text }) => text.includes('"deleting"') && text.includes(first?.id ?? '')),
      'the change',
    );
    const told = (): SeenEvent | undefined =>
      receiver
        .taken('events')
        .filter(({ path: route }) => route.endsWith(hex))
        .flatMap(({ text }) => JSON.parse(text) as SeenEvent[])
        .find(({ key }) => key === 'retention');
    await eventually(() => told() !== undefined, 'the event');
    expect(told()).toMatchObject({
      kind: 'ConversationStateUpdateEvent',
      value: { reason: 'budget', disk_budget: HALF },
    });
  });

  it('hides a conversation whose folder cannot be removed, says so once, and tries again', async () => {
    const conversation = await create(FILL);
    await conversation.reaches('finished');
    const inside = path.join(
      folder,
      'workspace/conversations',
      conversation.id.replaceAll('-', ''),
      'observations',
    );
    // A mount point cannot be removed by anybody.
    const [enter = '', ...args] = disk.wrapper(folder);
    await run(enter, [...args, 'mount', '-t', 'tmpfs', 'none', inside]);
    const sweep = async (rules?: unknown): Promise<{ failures?: string[]; removed?: { folders: number } }> =>
      (await server.request('POST', '/api/retention/sweep', rules)).body as { failures?: string[] };
    // The server may sweep by itself at the moment.
    await eventually(async () => {
      await sweep({ retention_days: 1e-9 });
      return !(await exists(conversation));
    }, 'its removal');
    await eventually(async () => (await sweep()).failures?.length === 1, 'a sweep that fails');
    await server.logs(/"Catalogue".*could not be removed: Error: EBUSY/);
    expect(server.log.match(/"Catalogue".*could not be removed/g)).toHaveLength(1);
    const { stdout } = await run(enter, [
      ...args,
      'sh',
      '-c',
      'umount workspace/conversations/.deleted-*/observations && echo done',
    ]);
    expect(stdout).toBe('done\n');
    await eventually(async () => {
      const { body } = await server.request('GET', '/api/retention');
      const { failures } = (body as { last_sweep: { failures: string[] } }).last_sweep;
      const isLeft = (await readdir(disk.at())).some((name) => name.startsWith('.deleted-'));
      return failures.length === 0 && !isLeft;
    }, 'its removal by the next sweep');
  });
});
