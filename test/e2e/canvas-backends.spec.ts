import { readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { type CanvasApp, unseal, writeCanvasApp } from '../support/canvas-app.js';
import { isAlive } from '../support/is-alive.js';
import { eventually } from '../support/server-process.js';
import { asJson, containing, SettingsFixture, type Json } from '../support/settings-fixture.js';

const root = '/api/canvas-extensions';
const one = `${root}/installed/my-app`;

describe('the back ends of canvas extensions', () => {
  let fixture: SettingsFixture;
  let source: string;
  beforeAll(async () => {
    fixture = await SettingsFixture.start({ TZ: 'Europe/Paris', OPENAI_API_KEY: 'sk-hush' });
    source = path.join(fixture.folder, 'app');
  });
  afterEach(async () => {
    await fixture.ask('DELETE', one);
    await fixture.done('DELETE', `${one}/backend/data`);
  });
  afterAll(async () => {
    await fixture.server.end();
    await unseal(backends('artifacts'));
    await fixture.stop();
  });

  const backends = (name: string) => path.join(fixture.root, 'canvas-extensions', 'backends', name);
  const state = () => fixture.done('GET', `${one}/backend`);
  const ask = (action: string, revision: unknown) =>
    fixture.ask('POST', `${one}/backend/${action}`, { revision });
  const logs = async () => String((await fixture.done('GET', `${one}/backend/logs`))['logs']);
  /** The answer of the back end itself, without the server in between. */
  const askBackend = async (status: Json, route: string): Promise<string> =>
    (await fetch(`http://127.0.0.1:${String(status['port'])}${route}`)).text();

  async function install(app: CanvasApp = {}): Promise<unknown> {
    await rm(source, { recursive: true, force: true });
    await writeCanvasApp(source, app);
    await fixture.done('POST', `${root}/install`, { source });
    return (await state())['revision'];
  }
  async function prepared(app: CanvasApp = {}): Promise<unknown> {
    const revision = await install(app);
    await fixture.done('POST', `${one}/backend/prepare`, { revision });
    return revision;
  }
  async function started(app: CanvasApp = {}): Promise<Json> {
    const { status, body } = await ask('start', await prepared(app));
    expect([status, body['state'], body['detail']]).toEqual([200, 'ready', null]);
    return body;
  }

  it('prepares, starts, stops and restarts the back end of a canvas extension', async () => {
    const revision = await install();
    const stopped = { name: 'my-app', state: 'stopped', revision, pid: null, port: null, detail: null };
    expect(await state()).toEqual({ ...stopped, prepared_revision: null });
    expect((await ask('start', revision)).body).toEqual({
      detail: 'backend revision must be prepared before start',
    });
    for (const action of ['prepare', 'start']) {
      expect(await ask(action, 'another')).toEqual({
        status: 409,
        body: { detail: 'approval revision does not match installed revision' },
      });
    }
    const { body: isPrepared } = await ask('prepare', revision);
    expect(isPrepared).toEqual({ ...stopped, prepared_revision: revision });
    const { body: first } = await ask('start', revision);
    expect(first).toMatchObject({ state: 'ready', detail: null });
    expect(await state()).toEqual(first);
    expect((await ask('start', revision)).body).toEqual(first);
    expect(await ask('start', 'another')).toEqual({
      status: 409,
      body: { detail: 'a different backend revision is already running' },
    });
    expect(await logs()).toContain(`[stdout] serving ${String(first['port'])}\n`);
    expect(await logs()).toContain('[stderr] a word on stderr\n');
    expect(await fixture.done('POST', `${one}/backend/stop`)).toEqual(isPrepared);
    expect(isAlive(Number(first['pid']))).toBe(false);
    expect(await logs()).toContain('[stdout] asked to end\n');
    expect((await ask('start', revision)).body).toMatchObject({ state: 'ready' });
    expect(await logs()).not.toContain('asked to end');
  });

  it('gives a canvas back end its own home and only the variables it may inherit', async () => {
    const status = await started({ backend: { inherit_environment: ['TZ'] } });
    const facts = asJson(JSON.parse(await askBackend(status, '/environment')));
    const data = path.join(backends('data'), 'my-app');
    const env = asJson(facts['env']);
    expect(env).toMatchObject({ HOME: path.join(data, 'home'), TZ: 'Europe/Paris' });
    // The shell that starts the back end adds variables of its own.
    const ours = ['HOME', 'TZ', 'OPENHANDS_TERMINAL_ID'];
    expect(
      Object.keys(env).filter((name) => ![...ours, 'PWD', 'SHLVL', '_', 'OLDPWD'].includes(name)),
    ).toEqual([]);
    expect(facts['cwd']).toBe(path.join(fixture.root, 'canvas-extensions', 'installed', 'my-app'));
    expect(facts['argv']).toEqual([String(status['port']), data]);
  });

  it('keeps the data of a canvas back end until it is deleted', async () => {
    await askBackend(await started(), '/store');
    const stored = path.join(backends('data'), 'my-app', 'stored');
    expect(await fixture.ask('DELETE', `${one}/backend/data`)).toEqual({
      status: 409,
      body: { detail: 'stop the backend before deleting its data' },
    });
    await fixture.done('DELETE', one);
    expect(await readFile(stored, 'utf8')).toBe('x');
    expect(await fixture.done('DELETE', `${one}/backend/data`)).toMatchObject({ state: 'missing' });
    await expect(stat(path.dirname(stored))).rejects.toThrow('ENOENT');
  });

  it('reports why a canvas back end failed', async () => {
    const broken: [string, CanvasApp][] = [
      ['backend exited with code 5', { script: '#!/bin/sh\necho no >&2\nexit 5\n' }],
      ['backend exited with code -9', { script: '#!/bin/sh\nkill -9 $$\n' }],
      [
        'backend health check timed out',
        { script: '#!/bin/sh\nexec sleep 1000\n', backend: { health: { timeout_seconds: 0.3 } } },
      ],
      ['backend could not be started: spawn', { script: '#!/nowhere/interpreter\n' }],
      [
        'backend executable must be an executable regular file',
        { backend: { argv: ['{artifact_dir}/nothing'] } },
      ],
      [
        'backend executable must be an executable regular file',
        { backend: { argv: ['{artifact_dir}/../../../../../../../../../../../bin/sleep', '1000'] } },
      ],
    ];
    for (const [detail, app] of broken) {
      const { status, body } = await ask('start', await prepared(app));
      expect([status, body]).toEqual([
        200,
        expect.objectContaining({ state: 'unhealthy', pid: null, port: null, detail: containing(detail) }),
      ]);
      expect(await state()).toEqual(body);
      await fixture.done('DELETE', one);
    }
  });

  it('reports when a canvas back end is unhealthy, recovers and crashes', async () => {
    const status = await started();
    await askBackend(status, '/sick');
    expect(await state()).toEqual({ ...status, state: 'unhealthy', detail: 'Backend health probe failed' });
    await askBackend(status, '/well');
    expect(await state()).toEqual(status);
    await askBackend(status, '/crash').catch(() => undefined);
    await eventually(async () => (await state())['detail'] === 'Backend exited with code 7');
    expect(await state()).toMatchObject({ state: 'unhealthy', pid: null, port: null });
    expect((await ask('start', status['revision'])).body).toMatchObject({ state: 'ready', detail: null });
  });

  it('starts a canvas back end once for concurrent requests and can stop it during the start', async () => {
    const hanging = { script: '#!/bin/sh\necho up\nexec sleep 1000\n' };
    const revision = await prepared(hanging);
    const starting = [ask('start', revision), ask('start', revision)];
    await eventually(async () => (await logs()).includes('[stdout] up'));
    const { state: now, pid } = await state();
    expect(now).toBe('starting');
    expect((await ask('prepare', revision)).body).toMatchObject({ state: 'starting', pid });
    await fixture.done('POST', `${one}/backend/stop`);
    for (const { body } of await Promise.all(starting))
      expect(body).toMatchObject({ state: 'stopped', detail: null });
    expect(isAlive(Number(pid))).toBe(false);
  });

  it('stops a canvas back end with its extension and refuses to replace a running one', async () => {
    const status = await started();
    const daemon = Number(await askBackend(status, '/daemon'));
    expect(await fixture.ask('POST', `${root}/install`, { source, force: true })).toEqual({
      status: 409,
      body: { detail: 'Stop running Canvas App backends before a forced install' },
    });
    await fixture.done('PATCH', one, { enabled: true });
    expect(await state()).toEqual(status);
    await fixture.done('PATCH', one, { enabled: false });
    expect(await state()).toMatchObject({ state: 'stopped', prepared_revision: status['revision'] });
    expect([isAlive(Number(status['pid'])), isAlive(daemon)]).toEqual([false, false]);
    await fixture.done('POST', `${root}/install`, { source, force: true });
    expect(await state()).toMatchObject({ state: 'stopped', prepared_revision: null });
    expect((await ask('prepare', status['revision'])).status).toBe(200);
    const { body: again } = await ask('start', status['revision']);
    await fixture.done('DELETE', one);
    expect(await state()).toMatchObject({ state: 'missing', prepared_revision: status['revision'] });
    expect(isAlive(Number(again['pid']))).toBe(false);
  });

  it('ends canvas back ends at shutdown, and after a crash at the next start', async () => {
    const status = await started();
    await fixture.restart('SIGTERM');
    expect(isAlive(Number(status['pid']))).toBe(false);
    const { body: second } = await ask('start', status['revision']);
    expect(second).toMatchObject({ state: 'ready' });
    const daemon = Number(await askBackend(second, '/daemon'));
    await fixture.server.end('SIGKILL');
    expect([isAlive(Number(second['pid'])), isAlive(daemon)]).toEqual([true, true]);
    await fixture.restart();
    await eventually(() => !isAlive(Number(second['pid'])) && !isAlive(daemon));
    expect(await state()).toMatchObject({ state: 'stopped', prepared_revision: status['revision'] });
  });

  it('leaves the canvas back ends of another running server alone', async () => {
    const status = await started();
    const other = await fixture.another();
    const there = await other.request('POST', `${one}/backend/start`, { revision: 'another' });
    expect(there.status).toBe(409);
    await other.stop();
    expect(await state()).toEqual(status);
  });

  it('bounds the log of a canvas back end', async () => {
    const script = '#!/bin/sh\nyes aaaaaaaaaaaaaaaaaaaaaaaaaa | head -c 1000000\necho é\nexec sleep 1000\n';
    const starting = ask('start', await prepared({ script }));
    await eventually(async () => (await logs()).endsWith('é\n'));
    const all = await fixture.done('GET', `${one}/backend/logs?limit_bytes=262144`);
    expect(all['truncated']).toBe(true);
    expect(Buffer.byteLength(String(all['logs']))).toBeLessThanOrEqual(262_144);
    // A limit in the middle of a character leaves the character out.
    expect(await fixture.done('GET', `${one}/backend/logs?limit_bytes=2`)).toMatchObject({
      logs: '\n',
      truncated: true,
    });
    for (const limit of [0, 262_145])
      expect((await fixture.ask('GET', `${one}/backend/logs?limit_bytes=${limit}`)).status).toBe(422);
    await fixture.done('POST', `${one}/backend/stop`);
    await starting;
  });
});
