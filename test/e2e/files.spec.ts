import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { constants, gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { rawRequest } from '../support/raw-request.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { ask, upload } from '../support/file-requests.js';
import { writeFiles } from '../support/write-files.js';

/** Random paths, and rounds of requests while folders change; more in `npm run test:faults`. */
const ROUNDS = 5 * Number(process.env['FAULT_ROUNDS'] ?? 8);

describe('uploads, downloads and folders', () => {
  let server: ServerProcess;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'files-'));
    await mkdir(path.join(folder, 'repo/.git/logs'), { recursive: true });
    await writeFile(path.join(folder, 'repo/.git/config'), 'url = https://token@example.com');
    await writeFile(path.join(folder, 'repo/.git-credentials'), 'token');
    await symlink('repo/.git/config', path.join(folder, 'hidden'));
    await symlink('nowhere', path.join(folder, 'broken'));
    await symlink('loop', path.join(folder, 'loop'));
    execFileSync('mkfifo', [path.join(folder, 'pipe')]);
    server = await ServerProcess.start({ env: { OH_MAX_UPLOAD_BYTES: '3000000', HOME: folder } });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const at = (name: string) => path.join(folder, name);

  it('stores an upload unchanged and creates its folders', async () => {
    const bytes = Buffer.from(Array.from({ length: 2_500_000 }, (_, index) => index % 256));
    expect(await upload(server, at('up/x/y.bin'), bytes)).toMatchObject({
      status: 200,
      body: { success: true, file_size: bytes.length },
    });
    expect(Buffer.compare(await readFile(at('up/x/y.bin')), bytes)).toBe(0);
    expect(await upload(server, at('up/x/../../up/n'), Buffer.alloc(0))).toMatchObject({
      body: { file_size: 0 },
    });
    expect(await readdir(at('up'))).toEqual(['n', 'x']);
  });

  it('answers a refused upload and keeps the connection usable', async () => {
    const { hostname, port } = new URL(server.url);
    const socket = net.connect(Number(port), hostname);
    try {
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      const size = 20_000_000;
      socket.write(
        `POST /api/file/upload?path=${folder} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Length: ${size}\r\n` +
          'Content-Type: multipart/form-data; boundary=b\r\n\r\n',
      );
      const part = '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n';
      socket.write(part);
      for (let left = size - part.length; left > 0; left -= 1_000_000)
        if (!socket.write(Buffer.alloc(Math.min(left, 1_000_000), 'x'))) await once(socket, 'drain');
      socket.write(`GET /alive HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
      await eventually(() => text.includes('HTTP/1.1 200 '), 'the next answer');
      expect(text).toMatch(/^HTTP\/1.1 400 /);
    } finally {
      socket.destroy();
    }
  });

  it('replaces a file with an upload only when the upload is complete', async () => {
    await writeFile(at('old.sh'), 'old');
    await chmod(at('old.sh'), 0o750);
    await symlink('old.sh', at('link.sh'));
    await upload(server, at('link.sh'), 'new');
    expect([await readFile(at('old.sh'), 'utf8'), (await stat(at('old.sh'))).mode & 0o777]).toEqual([
      'new',
      0o750,
    ]);
    expect((await upload(server, at('old.sh'), Buffer.alloc(3_000_001))).status).toBe(413);
    const { hostname, port } = new URL(server.url);
    const socket = net.connect(Number(port), hostname);
    const head = `POST /api/file/upload?path=${at('old.sh')} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Length: 9999\r\n`;
    socket.write(`${head}Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n`);
    socket.write('Content-Disposition: form-data; name="file"; filename="f"\r\n\r\nhalf of it');
    await eventually(
      async () => (await readdir(folder)).some((name) => name.startsWith('.upload-')),
      'a partial upload',
    );
    socket.destroy();
    await eventually(
      async () => !(await readdir(folder)).some((name) => name.startsWith('.upload-')),
      'the removal of the partial upload',
    );
    expect(await readFile(at('old.sh'), 'utf8')).toBe('new');
  });

  it.each([
    ['rel/y.bin', 400, 'Path must be absolute'],
    ['', 400, 'Path must be absolute'],
    ['FOLDER/repo', 400, 'Path is a directory'],
    ['FOLDER/hidden/z', 400, 'A parent of the path is not a directory'],
    ['FOLDER/broken', 400, 'A parent of the path is not a directory'],
    ['FOLDER/broken/z', 400, 'A parent of the path is not a directory'],
    ['FOLDER/loop/z', 400, 'A parent of the path is not a directory'],
    ['FOLDER/pipe', 400, 'Path is not a file'],
    ['/dev/null', 400, 'Path is not a file'],
    ['/proc/nope/x', 400, 'Path cannot be created or used'],
    ['FOLDER/a\0b', 400, 'Path must be absolute'],
    [`FOLDER/${'x'.repeat(300)}`, 400, 'Path cannot be used: ENAMETOOLONG'],
  ])('refuses an upload to %j', async (target, status, detail) => {
    const answer = await upload(server, target.replace('FOLDER', folder), 'x');
    expect(answer).toEqual({ status, body: { detail } });
  });

  it.each([
    ['no body', '', '', 'missing'],
    ['another field', 'multipart/form-data; boundary=b', form('other', 'x'), 'missing'],
    ['a text field', 'multipart/form-data; boundary=b', form('file', 'x', ''), 'value_error'],
    ['JSON', 'application/json', '{"file":"x"}', 'missing'],
    ['a truncated form', 'multipart/form-data; boundary=b', form('file', 'x').slice(0, -9), 'error parsing'],
    ['a body that is no form', 'multipart/form-data; boundary=b', 'x', 'error parsing'],
    ['thousands of fields', 'multipart/form-data; boundary=b', fields(20_000) + form('file', 'x'), 'missing'],
    [
      'a header of a megabyte',
      'multipart/form-data; boundary=b',
      form('file', 'x', `; filename="${'f'.repeat(1_000_000)}"`),
      'error parsing',
    ],
    ['no boundary', 'multipart/form-data', form('file', 'x'), 'error parsing'],
  ])('refuses an upload request with %s', async (_what, type, body, expected) => {
    const headers: Record<string, string> =
      body === '' ? {} : { 'content-type': type, 'content-length': String(body.length) };
    const route = `/api/file/upload?path=${encodeURIComponent(at('missed/file'))}`;
    const answer = await rawRequest(server.url, { method: 'POST', path: route, headers, body });
    expect([400, 422]).toContain(answer.status);
    expect(answer.text).toContain(expected);
    await expect(stat(at('missed/file'))).rejects.toThrow('ENOENT');
  });

  it.each([
    ['plain.txt', 'attachment; filename="plain.txt"'],
    ['with space.txt', "attachment; filename*=utf-8''with%20space.txt"],
    [
      'ü"\r\nX-Evil: 1\r\n\r\n.txt',
      "attachment; filename*=utf-8''%C3%BC%22%0D%0AX-Evil%3A%201%0D%0A%0D%0A.txt",
    ],
  ])('serves a download under its name: %j', async (name, disposition) => {
    await writeFile(at(name), '0123456789');
    const answer = await ask(server, 'download', { path: at(name) });
    expect([answer.status, answer.text, answer.headers['x-evil']]).toEqual([200, '0123456789', undefined]);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': disposition,
      'content-length': '10',
      'accept-ranges': 'bytes',
    });
    const part = await ask(server, 'download', { path: at(name) }, { range: 'bytes=2-4' });
    expect([part.status, part.text, part.headers['content-range']]).toEqual([206, '234', 'bytes 2-4/10']);
    expect((await ask(server, 'download', { path: at(name) }, { range: 'bytes=99-' })).status).toBe(416);
  });

  it.each([
    ['rel', 400, 'Path must be absolute'],
    ['FOLDER/none', 404, 'File not found'],
    ['FOLDER/broken', 404, 'File not found'],
    ['FOLDER/loop', 404, 'File not found'],
    ['FOLDER/old.sh/x', 404, 'File not found'],
    [`FOLDER/${'x'.repeat(300)}`, 404, 'File not found'],
    ['FOLDER', 400, 'Path is not a file'],
    ['FOLDER/pipe', 400, 'Path is not a file'],
    ['/dev/zero', 400, 'Path is not a file'],
    ['FOLDER/a\0b', 400, 'Path must be absolute'],
    ['FOLDER/repo/.git/config', 403, 'Files that may hold git credentials are not served'],
    ['FOLDER/repo/x/../.git//config', 403, 'Files that may hold git credentials are not served'],
    ['FOLDER/hidden', 403, 'Files that may hold git credentials are not served'],
    ['FOLDER/repo/.git-credentials', 403, 'Files that may hold git credentials are not served'],
  ])('refuses a download of %j', async (target, status, detail) => {
    const answer = await ask(server, 'download', { path: target.replace('FOLDER', folder) });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([status, { detail }]);
  });

  it('creates folders, also when they exist', async () => {
    const make = async (target: string) => {
      const route = `/api/file/create_directory?path=${encodeURIComponent(target)}`;
      const { status, body } = await server.request('POST', route);
      return [status, body];
    };
    expect(await make(at('m/n/o'))).toEqual([200, { success: true }]);
    expect(await make(at('m/n/o'))).toEqual([200, { success: true }]);
    expect(await make(at('old.sh'))).toEqual([400, { detail: 'Path exists and is not a directory' }]);
    expect(await make('m')).toEqual([400, { detail: 'Path must be absolute' }]);
    expect((await make('/proc/x'))[0]).toBe(400);
  });

  it('lists subfolders page by page and the folders of the home', async () => {
    for (const name of ['d1', 'D2', '.hid', 'e']) await mkdir(at(`look/${name}`), { recursive: true });
    await symlink('d1', at('look/z-link'));
    const list = async (more: Record<string, string>) =>
      JSON.parse((await ask(server, 'search_subdirs', { path: at('look'), ...more })).text) as {
        items: { name: string; path: string }[];
        next_page_id: string | null;
      };
    expect(await list({})).toEqual({
      items: ['d1', 'D2', 'e'].map((name) => ({ name, path: at(`look/${name}`) })),
      next_page_id: null,
    });
    expect((await list({ include_hidden: 'true' })).items).toHaveLength(4);
    expect(await list({ limit: '1' })).toMatchObject({ items: [{ name: 'd1' }], next_page_id: 'D2' });
    expect(await list({ limit: '1', page_id: 'D2' })).toMatchObject({
      items: [{ name: 'D2' }],
      next_page_id: 'e',
    });
    expect((await list({ page_id: 'zzz' })).items).toHaveLength(3);
    const home = JSON.parse((await ask(server, 'home', {})).text) as { favorites: { label: string }[] };
    expect(home).toMatchObject({ home: folder, locations: [{ label: '/', path: '/' }] });
    expect(home.favorites.map(({ label }) => label)).toContain('look');
    expect((await ask(server, 'search_subdirs', { path: at('old.sh') })).status).toBe(400);
    expect((await ask(server, 'search_subdirs', { path: at('none') })).status).toBe(404);
  });
});

describe('a server with a file root', () => {
  let server: ServerProcess;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'confined-'));
    await mkdir(path.join(folder, 'root/sub'), { recursive: true });
    await writeFile(path.join(folder, 'outside.txt'), 'outside');
    await writeFile(path.join(folder, 'root/inside.txt'), 'inside');
    await symlink('..', path.join(folder, 'root/up'));
    await symlink('../outside.txt', path.join(folder, 'root/out'));
    server = await ServerProcess.start({ env: { OH_FILE_ROOT: path.join(folder, 'root') } });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('serves no path outside the file root in any spelling', async () => {
    const piece = fc.constantFrom(
      '..',
      '.',
      '',
      'up',
      'sub',
      'root',
      'out',
      'outside.txt',
      '%2e%2e',
      'new',
      '\\..',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 7 }), fc.boolean(), async (pieces, write) => {
        const target = `${folder}/root/${pieces.join('/')}`;
        if (write) await upload(server, target, 'written');
        else expect((await ask(server, 'download', { path: target })).text).not.toBe('outside');
        expect(await readFile(path.join(folder, 'outside.txt'), 'utf8')).toBe('outside');
        expect(await readdir(folder)).toEqual(['outside.txt', 'root']);
      }),
      { numRuns: ROUNDS },
    );
    expect((await ask(server, 'download', { path: '/etc/passwd' })).status).toBe(403);
    expect((await ask(server, 'search_subdirs', { path: folder })).status).toBe(403);
    expect(JSON.parse((await ask(server, 'home', {})).text)).toMatchObject({
      home: path.join(folder, 'root'),
    });
  });

  it('reads and writes inside the file root while folders are replaced by links', async () => {
    const [real, away] = [path.join(folder, 'root/race'), path.join(folder, 'root/race-away')];
    await mkdir(real, { recursive: true });
    await mkdir(path.join(folder, 'target'));
    const over = new AbortController();
    const swapping = (async () => {
      while (!over.signal.aborted) {
        // The server may recreate the folder in between.
        await rename(real, away).catch(() => undefined);
        await symlink('../target', real).catch(() => undefined);
        // The server may also write into the folder while it is removed.
        await rm(real, { recursive: true, force: true }).catch(() => undefined);
        await rename(away, real).catch(() => undefined);
      }
    })();
    await writeFile(path.join(folder, 'target/file'), 'outside');
    for (let round = 0; round < ROUNDS; round += 1) {
      await upload(server, path.join(real, `up-${round}`), 'x');
      await server.request(
        'POST',
        `/api/file/create_directory?path=${encodeURIComponent(`${real}/made-${round}`)}`,
      );
      expect((await ask(server, 'download', { path: path.join(real, 'file') })).text).not.toBe('outside');
    }
    over.abort();
    await swapping;
    expect(await readdir(path.join(folder, 'target'))).toEqual(['file']);
  });

  it('shows no file outside the file root in archives and workspaces while folders are replaced by links', async () => {
    const [real, away] = [path.join(folder, 'root/show/race'), path.join(folder, 'root/show/race-away')];
    await writeFiles(folder, {
      'root/show/race/deep/file': 'inside',
      'secrets/deep/file': 'hush-text',
      'secrets/hush-name/x': '',
    });
    const { route } = await ConversationClient.create(
      server,
      scriptedRequest(path.join(folder, 'root/show')),
    );
    const over = new AbortController();
    const swapping = (async () => {
      while (!over.signal.aborted) {
        await rename(real, away);
        await symlink('../../secrets', real);
        await rm(real);
        await rename(away, real);
        // Keeps the real folder long enough for the server to find it.
        await readdir(path.join(real, 'deep'));
      }
    })();
    const seen: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      seen.push(await archiveText(`${server.url}/api/file/archive?format=tar.gz&path=${folder}/root/show`));
      seen.push((await rawRequest(server.url, { path: `${route}/workspace/race/deep/file` })).text);
    }
    over.abort();
    await swapping;
    expect(seen.filter((text) => text.includes('hush'))).toEqual([]);
    const after = await rawRequest(server.url, { path: `${route}/workspace/race/deep/file` });
    expect(after.text).toBe('inside');
  });
});

/** Small form fields, without the end of the form. */
function fields(count: number): string {
  return '--b\r\nContent-Disposition: form-data; name="x"\r\n\r\ny\r\n'.repeat(count);
}

/** The text of an archive as far as it was received, decompressed. */
async function archiveText(url: string): Promise<string> {
  const chunks: Buffer[] = [];
  const { body } = await fetch(url);
  if (!body) throw new Error('no archive');
  const incoming = Readable.fromWeb(body).on('data', (chunk: Buffer) => chunks.push(chunk));
  await finished(incoming).catch(() => undefined);
  return gunzipSync(Buffer.concat(chunks), { finishFlush: constants.Z_SYNC_FLUSH }).toString('latin1');
}

function form(name: string, content: string, filename = '; filename="f"'): string {
  return `--b\r\nContent-Disposition: form-data; name="${name}"${filename}\r\n\r\n${content}\r\n--b--\r\n`;
}
