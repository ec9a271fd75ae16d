import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { buffer } from 'node:stream/consumers';
import { create } from 'tar';
import { pack as packEntries, type Headers } from 'tar-stream';
import { fetchUi } from './fetch-ui.js';
import { installedUi, PINNED_UI, uiPlace } from './installed-ui.js';

const ROUTE = '/archive.tgz';
/** npm stores 64 MiB, which a busy machine needs half a minute for. */
const SLOW_MS = 180_000;

describe('fetchUi', () => {
  let folder: string;
  let registry: Server;
  /** What the registry answers for the archive. */
  let archive: Buffer;
  /** Paths that were requested of it. */
  let requested: string[];
  const former = { ...process.env };

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'fetch-ui-'));
    requested = [];
    registry = createServer(({ url = '' }, response) => {
      requested.push(url);
      if (url.startsWith('/@openhands')) response.end(JSON.stringify(description()));
      else if (url === ROUTE) response.end(archive);
      else response.writeHead(404).end('{}');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => registry.once('listening', resolve));
    Object.assign(process.env, {
      npm_config_registry: address(),
      npm_config_cache: path.join(folder, 'cache'),
      npm_config_userconfig: path.join(folder, 'npmrc'),
      'npm_config_@openhands:registry': address(),
      npm_config_fetch_retries: '0',
      npm_config_update_notifier: 'false',
    });
    archive = await pack({
      'build/index.html': '<html>',
      'build/assets/a.js': 'a()',
      LICENSE: 'MIT',
      'package.json': JSON.stringify({
        name: PINNED_UI.name,
        version: PINNED_UI.version,
        scripts: { prepack: 'touch ran', prepare: 'touch ran', postinstall: 'touch ran' },
      }),
      'dist/other.js': 'other()',
    });
  });
  afterEach(async () => {
    for (const name of Object.keys(process.env))
      if (!(name in former)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, former);
    registry.closeAllConnections();
    await new Promise((resolve) => registry.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });

  const address = () => `http://127.0.0.1:${(registry.address() as AddressInfo).port}`;
  const description = () => ({
    name: PINNED_UI.name,
    'dist-tags': { latest: PINNED_UI.version },
    versions: {
      [PINNED_UI.version]: {
        name: PINNED_UI.name,
        version: PINNED_UI.version,
        dist: { tarball: address() + ROUTE, integrity: integrityOf(archive) },
      },
    },
  });

  async function pack(files: Record<string, string>): Promise<Buffer> {
    const source = path.join(folder, 'source');
    for (const [name, content] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(source, 'package', name)), { recursive: true });
      await writeFile(path.join(source, 'package', name), content);
    }
    await create({ cwd: source, file: path.join(folder, 'packed.tgz'), gzip: true }, ['package']);
    return readFile(path.join(folder, 'packed.tgz'));
  }
  /** An archive of entries that `tar` itself does not make. */
  async function archiveOf(entries: Headers[]): Promise<Buffer> {
    const stream = packEntries();
    for (const entry of entries) stream.entry(entry, '');
    stream.finalize();
    return gzipSync(await buffer(stream));
  }

  const place = () => uiPlace(path.join(folder, 'program'));
  async function fetched(integrity: string = integrityOf(archive)): Promise<string[]> {
    const lines: string[] = [];
    await fetchUi({ place: place(), integrity, print: (line) => lines.push(line) });
    return lines;
  }
  const left = () => readdir(place().parent, { recursive: true });

  it('keeps the build and the licence of the package, runs none of its scripts, and says where it is', async () => {
    const lines = await fetched();
    expect(lines.at(-1)).toBe(
      `The web UI is in ${place().folder}. The next start of the server serves it at /.`,
    );
    const base = path.basename(place().folder);
    expect((await left()).sort()).toEqual(
      [
        base,
        ...['LICENSE', 'build', 'build/assets', 'build/assets/a.js', 'build/index.html'].map(
          (name) => `${base}/${name}`,
        ),
      ].sort(),
    );
    expect(installedUi(place())).toBe(place().build);
    expect(await stat('ran').catch(() => undefined)).toBeUndefined();
  });

  it('fetches nothing when the UI is there, and says how to fetch it again', async () => {
    await fetched();
    requested = [];
    expect(await fetched()).toEqual([
      `${PINNED_UI.name} ${PINNED_UI.version} is already in ${place().folder}. To fetch it again, remove that folder first.`,
    ]);
    expect(requested).toEqual([]);
  });

  it('replaces a UI without its page, and UIs of other versions', async () => {
    await mkdir(path.join(place().folder, 'build'), { recursive: true });
    await mkdir(path.join(place().parent, 'agent-canvas-1.0.0/build'), { recursive: true });
    await fetched();
    expect(await readdir(place().parent)).toEqual([path.basename(place().folder)]);
  });

  it('gives several processes that fetch at the same time the same UI', async () => {
    await Promise.all([fetched(), fetched(), fetched()]);
    expect(await readdir(place().parent)).toEqual([path.basename(place().folder)]);
    expect(installedUi(place())).toBe(place().build);
  });

  it('refuses an archive that is not the pinned one, and leaves nothing behind', async () => {
    const expected = integrityOf(Buffer.from('another'));
    await expect(fetched(expected)).rejects.toThrow(
      `is not the one that this version of the server was tested with, and was removed: expected ${expected}, got ${integrityOf(archive)}`,
    );
    expect(await left()).toEqual([]);
  });

  it('leaves out links, devices and files elsewhere', async () => {
    archive = await archiveOf([
      { name: 'package/build', type: 'symlink', linkname: os.tmpdir() },
      { name: 'package/build/symbolic', type: 'symlink', linkname: '/etc/passwd' },
      { name: 'package/build/hard', type: 'link', linkname: '/etc/passwd' },
      { name: 'package/build/device', type: 'character-device', devmajor: 1, devminor: 5 },
      { name: '/package/build/elsewhere' },
      { name: 'package/build/index.html' },
    ]);
    await fetched();
    const base = path.basename(place().folder);
    expect((await left()).sort()).toEqual([base, `${base}/build`, `${base}/build/index.html`]);
    expect((await lstat(place().build)).isSymbolicLink()).toBe(false);
  });

  it('refuses a path that leads out of the folder, and leaves nothing behind', async () => {
    const outside = { name: 'package/build/../../../../outside' };
    archive = await archiveOf([{ name: 'package/build/index.html' }, outside]);
    await expect(fetched()).rejects.toThrow("path contains '..'");
    expect(await left()).toEqual([]);
    expect((await readdir(folder, { recursive: true })).filter((name) => name.endsWith('outside'))).toEqual(
      [],
    );
  });

  it('refuses a package without a built page', async () => {
    await rm(path.join(folder, 'source'), { recursive: true });
    archive = await pack({ 'package.json': '{}', 'build/other.html': '<html>' });
    await expect(fetched()).rejects.toThrow('the archive has no build/index.html');
    expect(await left()).toEqual([]);
  });

  it('repeats what npm says when the package cannot be fetched, and what to do', async () => {
    registry.closeAllConnections();
    process.env['npm_config_registry'] = `${address()}/nowhere`;
    process.env['npm_config_@openhands:registry'] = `${address()}/nowhere`;
    await expect(fetched()).rejects.toThrow(
      /npm cannot fetch .*E404[\s\S]*Check the network and the registry/,
    );
    expect(await left()).toEqual([]);
  });

  it('says in short why the registry cannot be reached', async () => {
    const nobody = 'http://127.0.0.1:1';
    Object.assign(process.env, { npm_config_registry: nobody, 'npm_config_@openhands:registry': nobody });
    const error: unknown = await fetched().catch((reason: unknown) => reason);
    const lines = String(error).split('\n');
    expect(lines[0]).toMatch(/npm cannot fetch .*: code ECONNREFUSED$/);
    expect(lines.length).toBeLessThan(8);
    expect(String(error)).not.toMatch(/^\s+at /m);
  });

  it(
    'refuses an archive of more than 64 MiB without storing it',
    async () => {
      archive = Buffer.alloc(65 * 1024 * 1024);
      await expect(fetched()).rejects.toThrow(/npm cannot fetch .*EFBIG/);
      expect(await left()).toEqual([]);
    },
    SLOW_MS,
  );

  it('says who has to run it when the folder cannot be written', async () => {
    await writeFile(path.join(folder, 'program'), 'a file');
    await expect(fetched()).rejects.toThrow(
      /cannot write to .*web-ui \(.*\): run this as the user who installed/,
    );
  });
});

function integrityOf(content: Buffer): string {
  return `sha512-${createHash('sha512').update(content).digest('base64')}`;
}
