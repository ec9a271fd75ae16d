import { symlink, unlink } from 'node:fs/promises';
import path from 'node:path';
import { writeFiles } from '../support/extension-files.js';
import { containing, SettingsFixture, type Json } from '../support/settings-fixture.js';

const MANIFEST = {
  schema_version: 1,
  name: 'my-app',
  display_name: 'My App',
  version: '1.0.0',
  description: 'd',
  entrypoint: 'dist/main.js',
  contributes: { pages: [{ id: 'home', title: 'Home', path: '/my-app' }] },
  icon: 'icon.svg',
};
const SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>';

describe('canvas extensions', () => {
  let fixture: SettingsFixture;
  let source: string;
  beforeAll(async () => {
    fixture = await SettingsFixture.start();
    source = path.join(fixture.folder, 'app');
  });
  afterAll(() => fixture.stop());
  beforeEach(() => write(MANIFEST));
  afterEach(() => fixture.ask('DELETE', one));

  const root = '/api/canvas-extensions';
  const one = `${root}/installed/my-app`;
  const install = (body: Json = {}) => fixture.ask('POST', `${root}/install`, { source, ...body });
  const write = (manifest: object) =>
    writeFiles(source, {
      'canvas-extension.json': JSON.stringify(manifest),
      'dist/main.js': 'export default 1\n',
      'icon.svg': SVG,
    });

  it('installs a canvas extension disabled, lists, enables and uninstalls it', async () => {
    expect(await fixture.done('GET', `${root}/installed`)).toEqual({ canvas_extensions: [] });
    const { body } = await install();
    expect(body).toMatchObject({ name: 'my-app', enabled: false, requested_ref: null, manifest: MANIFEST });
    expect((await install()).body).toEqual({
      detail: 'Canvas extension already installed. Use force=true to overwrite.',
    });
    expect(await fixture.done('GET', `${root}/installed`)).toEqual({ canvas_extensions: [body] });
    expect(await fixture.done('PATCH', one, { enabled: true })).toEqual({ name: 'my-app', enabled: true });
    expect(await fixture.done('GET', one)).toEqual({ ...body, enabled: true });
    expect(await fixture.done('DELETE', one)).toEqual({ message: "Canvas extension 'my-app' uninstalled" });
    expect((await fixture.ask('GET', one)).body).toEqual({
      detail: "Canvas extension 'my-app' is not installed",
    });
  });

  it('serves the script and the icon of a canvas extension, and no script in the icon runs', async () => {
    await install();
    const bundle = await fixture.server.request('GET', `${one}/bundle`);
    expect([bundle.status, bundle.body]).toEqual([200, 'export default 1\n']);
    expect(bundle.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(bundle.headers.get('cache-control')).toBe('no-cache');
    const same = { 'if-none-match': bundle.headers.get('etag') ?? '' };
    expect((await fixture.server.request('GET', `${one}/bundle`, undefined, same)).status).toBe(304);
    const icon = await fixture.server.request('GET', `${one}/icon`);
    expect([icon.status, icon.body]).toEqual([200, SVG]);
    expect(icon.headers.get('content-type')).toBe('image/svg+xml');
    expect(icon.headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    );
    expect(icon.headers.get('x-content-type-options')).toBe('nosniff');
    expect((await fixture.ask('GET', `${root}/installed/nope/bundle`)).body).toEqual({
      detail: "Canvas extension 'nope' bundle not found",
    });
    // A link that replaced the script after the installation.
    const script = path.join(fixture.root, 'canvas-extensions/installed/my-app/dist/main.js');
    await writeFiles(fixture.folder, { outside: 'a secret' });
    await unlink(script);
    await symlink(path.join(fixture.folder, 'outside'), script);
    expect((await fixture.ask('GET', `${one}/bundle`)).status).toBe(404);
  });

  it('refuses a canvas extension without a valid manifest', async () => {
    for (const [change, detail] of [
      [{ name: '../evil' }, 'name'],
      [{ schema_version: 2 }, 'schema_version'],
      [{ entrypoint: '../../etc/passwd' }, 'entrypoint'],
      [{ icon: '/etc/passwd' }, 'icon'],
      [{ contributes: { pages: [{}] } }, 'contributes.pages.0.id'],
    ] as const) {
      await write({ ...MANIFEST, ...change });
      expect(await install()).toEqual({ status: 422, body: { detail: containing(detail) } });
    }
    await unlink(path.join(source, 'canvas-extension.json'));
    expect((await install()).body).toEqual({
      detail: containing('No canvas-extension.json found at the resolved location.'),
    });
    expect(await install({ source: '/nowhere' })).toEqual({
      status: 400,
      body: {
        detail: 'Could not read canvas extension source: Local extension path does not exist: /nowhere',
      },
    });
  });

  it('reports a canvas extension without a back end for this platform', async () => {
    const notRunning = { prepared_revision: null, pid: null, port: null };
    expect(await fixture.done('GET', `${one}/backend`)).toMatchObject({
      state: 'missing',
      revision: null,
      ...notRunning,
      detail: 'Canvas App is not installed or its manifest is invalid',
    });
    await install();
    const expected = { name: 'my-app', state: 'unsupported', revision: containing('sha256:'), ...notRunning };
    for (const [method, action] of [
      ['GET', ''],
      ['POST', '/prepare'],
      ['POST', '/start'],
      ['POST', '/stop'],
      ['DELETE', '/data'],
    ] as const) {
      const body = method === 'POST' && action !== '/stop' ? { revision: 'x' } : undefined;
      const detail = 'Canvas App does not declare a backend';
      expect(await fixture.done(method, `${one}/backend${action}`, body)).toEqual({ ...expected, detail });
    }
    expect(await fixture.done('GET', `${one}/backend/logs`)).toEqual({
      name: 'my-app',
      logs: '',
      truncated: false,
    });
    expect((await fixture.ask('POST', `${one}/backend/start`, {})).status).toBe(422);
    const artifacts = { [otherPlatform()]: { path: 'x.tar.gz', sha256: '0'.repeat(64) } };
    const backend = { schema_version: 1, artifacts, argv: ['{artifact_dir}/x'] };
    await write({ ...MANIFEST, backend });
    await install({ force: true });
    expect(await fixture.done('GET', `${one}/backend`)).toMatchObject({
      state: 'unsupported',
      detail: 'Canvas App backend does not support this platform',
    });
  });
});

function otherPlatform(): string {
  return process.arch === 'x64' ? 'linux-arm64' : 'linux-amd64';
}
