import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { type ArchiveEntry, type CanvasApp, tarGz, unseal, writeCanvasApp } from '../support/canvas-app.js';
import { containing, SettingsFixture, type Json, type SettingsAnswer } from '../support/settings-fixture.js';

const root = '/api/canvas-extensions';
const one = `${root}/installed/my-app`;
const SHA = '0'.repeat(64);
const UNSAFE = 'backend artifact contains an unsafe archive entry';

describe('archives and manifests of canvas back ends', () => {
  let fixture: SettingsFixture;
  let source: string;
  beforeAll(async () => {
    fixture = await SettingsFixture.start();
    source = path.join(fixture.folder, 'app');
  });
  afterEach(async () => {
    await fixture.ask('DELETE', one);
    await rm(source, { recursive: true, force: true });
    await unseal(artifacts());
    await rm(artifacts(), { recursive: true, force: true });
  });
  afterAll(() => fixture.stop());

  const artifacts = () => path.join(fixture.root, 'canvas-extensions/backends/artifacts');
  const install = async (app: CanvasApp): Promise<SettingsAnswer> => {
    await writeCanvasApp(source, app);
    return fixture.ask('POST', `${root}/install`, { source });
  };
  async function prepare(app: CanvasApp): Promise<SettingsAnswer> {
    expect((await install(app)).status).toBe(200);
    const { revision } = await fixture.done('GET', `${one}/backend`);
    return fixture.ask('POST', `${one}/backend/prepare`, { revision });
  }
  const both = (artifact: Json): Json => ({
    artifacts: { 'linux-amd64': artifact, 'linux-arm64': artifact },
  });

  it('unpacks the archive of a canvas back end read-only and without setuid bits', async () => {
    const entries: ArchiveEntry[] = [
      { name: './bin/', type: 'directory', mode: 0o777 },
      { name: './bin/run', mode: 0o4777, content: 'run' },
      { name: `${'deep/'.repeat(30)}file`, mode: 0o640, content: 'x' },
    ];
    expect((await prepare({ entries })).body).toMatchObject({ prepared_revision: containing('sha256:') });
    const [digest = ''] = await readdir(path.join(artifacts(), 'my-app'));
    const folder = path.join(artifacts(), 'my-app', digest);
    const mode = async (name: string) => (await stat(path.join(folder, name))).mode & 0o7777;
    expect([await mode('.'), await mode('bin'), await mode('bin/run')]).toEqual([0o555, 0o555, 0o555]);
    expect(await mode(`${'deep/'.repeat(30)}file`)).toBe(0o440);
    expect(await readFile(path.join(folder, 'bin/run'), 'utf8')).toBe('run');
    expect(await readdir(path.join(fixture.root, 'canvas-extensions/backends/downloads'))).toEqual([]);
  });

  const file: ArchiveEntry = { name: 'a', content: 'x' };
  const INVALID_ARCHIVE = 'backend artifact is not a valid gzip tar archive';
  const refused: Record<string, [string, CanvasApp]> = {
    'a name that leads out of the folder': [
      UNSAFE,
      { entries: [file, { name: '../outside', content: 'x' }] },
    ],
    'an absolute name': [UNSAFE, { entries: [{ name: '/outside', content: 'x' }] }],
    'a name with a backslash': [UNSAFE, { entries: [{ name: '..\\outside', content: 'x' }] }],
    'a link': [UNSAFE, { entries: [file, { name: 'b', type: 'symlink', linkname: 'a' }] }],
    'a hard link': [UNSAFE, { entries: [file, { name: 'b', type: 'link', linkname: 'a' }] }],
    'a pipe': [UNSAFE, { entries: [file, { name: 'b', type: 'fifo' }] }],
    'a device': [
      UNSAFE,
      { entries: [file, { name: 'b', type: 'character-device', devmajor: 1, devminor: 3 }] },
    ],
    'a duplicate name': [UNSAFE, { entries: [file, file] }],
    'a name that is both a file and a folder': [UNSAFE, { entries: [file, { name: 'a/b', content: 'x' }] }],
    'no entries': ['backend artifact contains no files after stripping', { entries: [] }],
    'no gzip format': [INVALID_ARCHIVE, { archive: Buffer.from('hello') }],
    'no tar format': [INVALID_ARCHIVE, { archive: gzipSync(Buffer.from('hello'.repeat(1000))) }],
    'too many files': [
      'backend artifact is too large',
      {
        entries: Array.from({ length: 20_001 }, () => ({ name: 'd/', type: 'directory' as const })),
      },
    ],
    'another digest': [
      'backend artifact checksum does not match manifest',
      { backend: both({ path: 'backend.tar.gz', sha256: SHA }) },
    ],
    'a missing file': [
      'backend artifact is not a contained regular file',
      { backend: both({ path: 'not.tar.gz', sha256: SHA }) },
    ],
    'a URL where nothing listens': [
      'backend artifact download failed',
      { backend: both({ url: 'https://127.0.0.1:9/x.tar.gz', sha256: SHA, strip_components: 1 }) },
    ],
  };
  it.each(Object.entries(refused))(
    'refuses the archive of a canvas back end with %s',
    async (_what, [detail, app]) => {
      expect(await prepare(app)).toEqual({ status: 409, body: { detail } });
      expect(await fixture.done('GET', `${one}/backend`)).toMatchObject({
        state: 'stopped',
        prepared_revision: null,
      });
      // No file is left, neither inside the folder for artifacts nor beside it.
      expect(await readdir(path.join(artifacts(), 'my-app'))).toEqual([]);
      await expect(stat(path.join(fixture.root, 'canvas-extensions/backends/outside'))).rejects.toThrow(
        'ENOENT',
      );
      expect(await readdir(path.join(fixture.root, 'canvas-extensions/backends/downloads'))).toEqual([]);
    },
  );

  it('refuses a truncated archive of a canvas back end', async () => {
    const whole = await tarGz([{ name: 'a', content: Buffer.alloc(5_000, 7).toString() }]);
    for (const archive of [whole.subarray(0, -20), gzipSync(Buffer.alloc(700, 1)), Buffer.alloc(0)]) {
      const { status } = await prepare({ archive });
      expect(status).toBe(409);
      await fixture.done('DELETE', one);
    }
  });

  const artifact = { path: 'backend.tar.gz', sha256: SHA };
  const invalid: [string, Json][] = [
    ['schema_version', { schema_version: 2 }],
    ['artifacts', { artifacts: {} }],
    ['artifacts', { artifacts: { 'darwin-arm64': artifact } }],
    ['path', both({ ...artifact, path: '../x.tar.gz' })],
    ['path', both({ ...artifact, path: '/x.tar.gz' })],
    ['path', both({ ...artifact, path: 'x.zip' })],
    ['sha256', both({ ...artifact, sha256: 'A'.repeat(64) })],
    ['exactly one of path and url', both({ ...artifact, url: 'https://host.example/x.tar.gz' })],
    ['exactly one of path and url', both({ sha256: SHA })],
    ['strip_components', both({ ...artifact, strip_components: 1 })],
    ['url', both({ sha256: SHA, url: 'http://host.example/x.tar.gz' })],
    ['url', both({ sha256: SHA, url: 'https://a:b@host.example/x.tar.gz' })],
    ['url', both({ sha256: SHA, url: 'https://host.example/x.zip' })],
    ['argv', { argv: [] }],
    ['argv', { argv: ['/bin/sh', '-c', 'x'] }],
    ['{home}', { argv: ['{artifact_dir}/x', '{home}'] }],
    ['argv', { argv: ['{artifact_dir}/x', ''] }],
    ['argv', { argv: ['{artifact_dir}/x', 'a\0b'] }],
    ['health.path', { health: { path: 'health' } }],
    ['health.path', { health: { path: '/health?x' } }],
    ['health.timeout_seconds', { health: { timeout_seconds: 301 } }],
    ['health.interval_seconds', { health: { interval_seconds: 0 } }],
    ['OH_SECRET_KEY', { inherit_environment: ['OH_SECRET_KEY'] }],
    ['inherit_environment', { inherit_environment: ['TZ', 'TZ'] }],
  ];
  it('refuses a manifest with an invalid canvas back end', async () => {
    for (const [detail, backend] of invalid) {
      expect(await install({ backend })).toEqual({ status: 422, body: { detail: containing(detail) } });
    }
  });
});
