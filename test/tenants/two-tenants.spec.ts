import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { scriptedRequest, userMessage, type SocketRecorder } from '../support/conversation-client.js';
import { pick, randomOf } from '../support/random.js';
import { OWN_KEYS_SANDBOX } from '../support/sandbox.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { ADMIN_KEY, Tenant } from '../support/tenants.js';

/** How long the tenants work: a moment, or an hour with `TENANT_MINUTES=60`. */
const MINUTES = Number(process.env['TENANT_MINUTES'] ?? 0);
const STEPS = 40;
const SEED = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);
/** Most conversations that one tenant keeps. */
const MAX_KEPT = 12;

/** A tenant at work, with what is in everything that it writes. */
interface Worker {
  tenant: Tenant;
  marker: string;
  ids: string[];
  sockets: SocketRecorder[];
}

describe(`two tenants and an administrator at random work (FAULT_SEED=${SEED})`, () => {
  let server: ServerProcess;
  let workers: Worker[];
  const random = randomOf(SEED);

  beforeAll(async () => {
    server = await ServerProcess.start({
      key: ADMIN_KEY,
      env: { SESSION_API_KEY: ADMIN_KEY, ...OWN_KEYS_SANDBOX },
    });
    const tenants = [
      await Tenant.make(server, 'one'),
      await Tenant.make(server, 'two'),
      Tenant.admin(server),
    ];
    workers = tenants.map((tenant) => ({
      tenant,
      marker: `marker-${tenant.name}-${randomUUID().slice(0, 8)}`,
      ids: [],
      sockets: [],
    }));
    for (const { tenant, sockets } of workers) sockets.push(tenant.socket('/sockets/conversations'));
  });
  afterAll(async () => {
    for (const { sockets } of workers) for (const { socket } of sockets) socket.terminate();
    await server.stop();
  });

  it(
    'never show a byte of one to the other',
    async () => {
      const end = Date.now() + MINUTES * 60_000;
      let steps = 0;
      await Promise.all(
        workers.map(async (worker) => {
          do {
            for (let step = 0; step < STEPS; step += 1) {
              await perform(worker);
              steps += 1;
            }
            check();
          } while (Date.now() < end);
        }),
      );
      await Promise.all(workers.map((worker) => compareLists(worker)));
      await Promise.all(workers.map((worker) => finish(worker)));
      check();
      expect(steps).toBeGreaterThanOrEqual(STEPS * workers.length);
    },
    180_000 + MINUTES * 120_000,
  );

  /** Fails if a tenant was told something that another one wrote. The administrator sees all. */
  function check(): void {
    for (const { tenant } of workers.slice(0, 2)) {
      const told = tenant.seen.splice(0).join('\n');
      for (const other of workers) {
        if (other.tenant === tenant) continue;
        if (told.includes(other.marker))
          throw new Error(`${tenant.name} was told ${around(told, other.marker)}`);
      }
    }
    workers[2]?.tenant.seen.splice(0);
  }

  async function perform(worker: Worker): Promise<void> {
    const { tenant, marker, ids } = worker;
    const own = ids.length === 0 ? undefined : pick(ids, random);
    const foreign =
      pick([...workers.filter((it) => it !== worker).flatMap((it) => it.ids), randomUUID()], random) ?? '';
    const mine = own === undefined ? undefined : `/api/conversations/${own}`;
    const theirs = `/api/conversations/${foreign}`;
    const actions: (() => Promise<unknown>)[] = [
      () => create(worker),
      () => lists(worker),
      () => tenant.ask('GET', `/api/conversations?ids=${[...ids.slice(0, 3), foreign].join('&ids=')}`),
      () => foreignRequest(tenant, theirs),
      () => foreignSocket(tenant, foreign),
    ];
    if (mine !== undefined && own !== undefined) {
      actions.push(
        () => tenant.json('GET', `${mine}/events/search?limit=100`),
        () => tenant.json('POST', `${mine}/events`, userMessage(`${marker}\nSAY: ${marker}`, true)),
        () => tenant.json('PATCH', mine, { title: `${marker} title`, tags: { tag: marker } }),
        () =>
          tenant.ask('POST', `${mine}/bash/execute_bash_command`, {
            command: `echo ${marker}; ls -a ..; cat *`,
          }),
        () => tenant.ask('GET', `${mine}/file/archive?path=./`),
        () => tenant.ask('GET', `/api/file/download-trajectory/${own}`),
        () => tenant.ask('GET', `${mine}/timeline`),
        () => fork(worker, own),
        () => listen(worker, own),
        () => share(tenant, own),
      );
      if (ids.length > MAX_KEPT) actions.push(() => remove(worker, own));
    }
    await pick(actions, random)?.();
  }

  async function create(worker: Worker): Promise<void> {
    const { tenant, marker, ids } = worker;
    const folder = path.join(server.cwd, 'admin', marker);
    const workingDir = tenant.keyId === 'session' ? folder : `${marker}/work`;
    if (tenant.keyId === 'session') {
      await mkdir(folder, { recursive: true });
      await writeFile(path.join(folder, 'file.txt'), marker);
    }
    const script = `RUN: echo ${marker} > ${marker}.txt; cat ${marker}.txt; ls ../..\nFINISH: ${marker}`;
    const { id } = await tenant.json<{ id: string }>(
      'POST',
      '/api/conversations',
      scriptedRequest(workingDir, script, { tags: { owner: marker } }),
    );
    ids.push(id);
  }

  async function lists({ tenant }: Worker): Promise<void> {
    await tenant.json('GET', '/api/conversations/search?limit=50&sort_order=UPDATED_AT_DESC');
    await tenant.json('GET', '/api/conversations/summaries');
    await tenant.json('GET', '/api/conversations/count');
  }

  async function fork({ tenant, ids }: Worker, id: string): Promise<void> {
    if (ids.length > MAX_KEPT) return;
    const answer = await tenant.ask('POST', `/api/conversations/${id}/fork`, {});
    if (answer.status < 300) ids.push((JSON.parse(answer.text) as { id: string }).id);
  }

  async function remove({ tenant, ids }: Worker, id: string): Promise<void> {
    await tenant.json('DELETE', `/api/conversations/${id}`);
    ids.splice(ids.indexOf(id), 1);
  }

  async function listen({ tenant, sockets }: Worker, id: string): Promise<void> {
    const socket = tenant.socket(`/sockets/session/${id}?after_seq=-1`);
    await eventually(() => socket.frames.length > 0 || socket.closeCode !== undefined, 'a frame');
    sockets.push(socket);
    if (sockets.length > 8) sockets.splice(1, 1).forEach((oldest) => oldest.socket.close());
  }

  async function share(tenant: Tenant, id: string): Promise<void> {
    const made = await tenant.ask('POST', `/api/conversations/${id}/shares`, { expires_in: 60 });
    if (made.status !== 201) return;
    const { token } = JSON.parse(made.text) as { token: string };
    await tenant.ask('GET', `/api/shared/${id}/events`, undefined, { 'x-share-token': token });
  }

  /** For the administrator there is nothing foreign. */
  async function foreignRequest(tenant: Tenant, route: string): Promise<void> {
    if (tenant.keyId === 'session') return;
    const chosen = pick(
      [
        ['GET', '', undefined],
        ['GET', '/events/search', undefined],
        ['POST', '/events', userMessage('hello', true)],
        ['PATCH', '', { title: 'mine' }],
        ['DELETE', '', undefined],
        ['POST', '/run', undefined],
        ['POST', '/fork', {}],
        ['GET', '/shares', undefined],
        ['GET', '/timeline', undefined],
        ['POST', '/bash/execute_bash_command', { command: 'cat *' }],
        ['GET', '/file/archive?path=./', undefined],
      ] as const,
      random,
    );
    if (!chosen) return;
    const [method, sub, body] = chosen;
    expect([route + sub, (await tenant.ask(method, route + sub, body)).status]).toEqual([route + sub, 404]);
  }

  async function foreignSocket(tenant: Tenant, id: string): Promise<void> {
    if (tenant.keyId === 'session') return;
    const socket = tenant.socket(`/sockets/${pick(['events', 'session'], random)}/${id}?resend_mode=all`);
    await eventually(() => socket.closeCode !== undefined, 'the close of a foreign socket');
    expect([socket.closeCode, socket.frames]).toEqual([4004, []]);
  }

  async function compareLists({ tenant, ids }: Worker): Promise<void> {
    const count = await tenant.json<number>('GET', '/api/conversations/count');
    const all = workers.flatMap((worker) => worker.ids).length;
    expect(count).toBe(tenant.keyId === 'session' ? all : ids.length);
    const page = await tenant.json<{ items: { id: string }[] }>('GET', '/api/conversations/search?limit=100');
    if (tenant.keyId !== 'session') expect(page.items.map(({ id }) => id).sort()).toEqual([...ids].sort());
  }

  async function finish({ tenant, ids }: Worker): Promise<void> {
    for (const id of ids.splice(0)) await tenant.ask('DELETE', `/api/conversations/${id}`);
    await tenant.ask('GET', '/api/conversations/search');
  }
});

function around(text: string, marker: string): string {
  const at = text.indexOf(marker);
  return text.slice(Math.max(0, at - 300), at + 200);
}
