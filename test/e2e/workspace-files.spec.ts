import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { rawRequest } from '../support/raw-request.js';
import { ServerProcess } from '../support/server-process.js';

const UNKNOWN = '00000000-0000-0000-0000-000000000001';

describe('the files of a workspace', () => {
  let server: ServerProcess;
  let folder: string;
  let root: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'workspace-files-'));
    const inside = path.join(folder, 'work');
    await mkdir(path.join(inside, 'src/deep'), { recursive: true });
    await mkdir(path.join(inside, '.git/logs'), { recursive: true });
    const files = {
      'work/index.html': '<h1>hi</h1>\n',
      'work/style.css': 'body{}',
      'work/picture.svg': '<svg/>',
      'work/paper.PDF': '%PDF',
      'work/a.txt': 'line1\nchanged\n',
      'work/Makefile': 'all:\n',
      'work/.env': 'A=1\n',
      'work/src/deep/index.html': 'deep',
      'work/name with % and ?#ü.txt': 'odd',
      'work/.git/HEAD': 'ref: refs/heads/main\n',
      'work/.git/config': 'url = https://token@example.com',
      'work/.git/logs/HEAD': 'token',
      'work/.git-credentials': 'token',
      'outside.txt': 'outside',
    };
    for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
    await symlink('../outside.txt', path.join(inside, 'out.txt'));
    await symlink('..', path.join(inside, 'up'));
    await symlink('a.txt', path.join(inside, 'in.txt'));
    await symlink('.git/config', path.join(inside, 'hidden'));
    await symlink('loop', path.join(inside, 'loop'));
    await symlink('/dev/zero', path.join(inside, 'zero'));
    execFileSync('mkfifo', [path.join(inside, 'pipe')]);
    server = await ServerProcess.start();
    const { route } = await ConversationClient.create(server, scriptedRequest(inside));
    root = `${route}/workspace`;
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const get = (below: string, headers: Record<string, string> = {}) =>
    rawRequest(server.url, { path: root + below, headers });

  it.each([
    ['', 'text/html; charset=utf-8', '<h1>hi</h1>\n'],
    ['/', 'text/html; charset=utf-8', '<h1>hi</h1>\n'],
    ['/index.html', 'text/html; charset=utf-8', '<h1>hi</h1>\n'],
    ['/style.css', 'text/css; charset=utf-8', 'body{}'],
    ['/a.txt', 'text/plain; charset=utf-8', 'line1\nchanged\n'],
    ['/Makefile', 'application/octet-stream', 'all:\n'],
    ['/.env', 'application/octet-stream', 'A=1\n'],
    ['/in.txt', 'text/plain; charset=utf-8', 'line1\nchanged\n'],
    ['/src/deep', 'text/html; charset=utf-8', 'deep'],
    ['/src/deep/', 'text/html; charset=utf-8', 'deep'],
    ['/.git/HEAD', 'application/octet-stream', 'ref: refs/heads/main\n'],
    [`/${encodeURIComponent('name with % and ?#ü.txt')}?v=1`, 'text/plain; charset=utf-8', 'odd'],
  ])('the files of a workspace are served with their content type: %s', async (below, type, text) => {
    const answer = await get(below);
    expect([answer.headers['content-type'], answer.text]).toEqual([type, text]);
  });

  it.each([
    ['/src', 404, 'No index.html in directory'],
    ['/nope.txt', 404, 'File not found'],
    ['/a.txt/b', 404, 'File not found'],
    [`/${'a'.repeat(300)}`, 404, 'File not found'],
    ['/loop', 404, 'File not found'],
    ['/pipe', 404, 'File not found'],
    ['/%2e%2e/outside.txt', 400, 'Path is outside the workspace'],
    ['/..%2foutside.txt', 400, 'Path is outside the workspace'],
    ['/src/..%5c..%5coutside.txt', 400, 'Path is outside the workspace'],
    ['//etc/passwd', 400, 'Path is outside the workspace'],
    ['/%2fetc/passwd', 400, 'Path is outside the workspace'],
    ['/a.txt%00.html', 400, 'Path is outside the workspace'],
    ['/out.txt', 400, 'Path is outside the workspace'],
    ['/up/outside.txt', 400, 'Path is outside the workspace'],
    ['/up/work/a.txt', 200, ''],
    ['/zero', 400, 'Path is outside the workspace'],
    ['/.git/config', 403, 'Files that may hold git credentials are not served'],
    ['/.GIT/Config', 403, 'Files that may hold git credentials are not served'],
    ['/.git/logs/HEAD', 403, 'Files that may hold git credentials are not served'],
    ['/.git-credentials', 403, 'Files that may hold git credentials are not served'],
    ['/hidden', 403, 'Files that may hold git credentials are not served'],
  ])(
    'the files of a workspace are not served outside the workspace or when they may hold credentials: %s answers %s',
    async (below, status, detail) => {
      const answer = await get(below);
      expect(answer.status).toBe(status);
      if (status !== 200) expect(JSON.parse(answer.text)).toEqual({ detail });
    },
  );

  it.each(['', '/index.html', '/picture.svg', '/a.txt', '/Makefile'])(
    'run no scripts with the origin of the server: %j',
    async (below) => {
      const policyFor = async (destination: string | undefined, site = 'none') => {
        const headers = { 'sec-fetch-dest': destination ?? '', 'sec-fetch-site': site };
        const answer = await get(below, destination === undefined ? {} : headers);
        return String(answer.headers['content-security-policy']).split(' ');
      };
      for (const [destination, site] of [
        [undefined, undefined],
        ['document', 'none'],
        ['document', 'same-origin'],
        ['iframe', 'cross-site'],
        ['empty', 'same-origin'],
      ]) {
        const policy = await policyFor(destination, site);
        expect(policy[0]).toBe('sandbox');
        expect(policy).toContain('allow-scripts');
        expect(policy).not.toContain('allow-same-origin');
      }
      // As the web UI shows them: their images need the cookie.
      for (const site of ['same-origin', 'same-site']) {
        const policy = await policyFor('iframe', site);
        expect(policy[0]).toBe('sandbox');
        expect(policy).toContain('allow-same-origin');
        expect(policy).not.toContain('allow-scripts');
      }
    },
  );

  it('the files of a workspace are served without a sandbox when they are PDFs, which browsers do not show in one', async () => {
    const { headers } = await get('/paper.PDF');
    expect(headers['content-security-policy']).toBeUndefined();
    expect(headers).toMatchObject({ 'content-type': 'application/pdf', 'x-content-type-options': 'nosniff' });
  });

  it('the files of a workspace are served without a sandbox when the operator trusts them', async () => {
    const trusting = await ServerProcess.start({ env: { OH_TRUST_WORKSPACE_PAGES: 'true' } });
    try {
      const { route } = await ConversationClient.create(trusting, scriptedRequest(path.join(folder, 'work')));
      const { status, headers } = await rawRequest(trusting.url, { path: `${route}/workspace/index.html` });
      expect([status, headers['content-security-policy']]).toEqual([200, undefined]);
    } finally {
      await trusting.stop();
    }
  });

  it('the files of a workspace are never read outside the folder, whatever the path', async () => {
    const piece = fc.constantFrom(
      '..',
      '.',
      '%2e%2e',
      '/',
      '%2f',
      '\\',
      '%5c',
      '%252e',
      'up',
      'src',
      'work',
      'outside.txt',
      'a.txt',
      '%00',
      '',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 8 }),
        fc.constantFrom('', '/'),
        async (pieces, separator) => {
          const answer = await get(`/${pieces.join(separator)}`);
          expect(answer.text).not.toBe('outside');
          expect([200, 400, 403, 404]).toContain(answer.status);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('the files of a workspace are served in ranges, and with 304 when the client has them', async () => {
    const part = await get('/a.txt', { range: 'bytes=0-4' });
    expect([part.status, part.text, part.headers['content-range']]).toEqual([206, 'line1', 'bytes 0-4/14']);
    const beyond = await get('/a.txt', { range: 'bytes=99-' });
    expect([beyond.status, beyond.headers['content-range']]).toEqual([416, 'bytes */14']);
    const whole = await get('/a.txt');
    expect(whole.headers).toMatchObject({ 'accept-ranges': 'bytes', 'cache-control': 'private, no-cache' });
    const again = await get('/a.txt', { 'if-none-match': String(whole.headers.etag) });
    expect([again.status, again.text]).toEqual([304, '']);
  });

  it('the files of a workspace are only served for GET requests and existing conversations', async () => {
    const head = await rawRequest(server.url, { method: 'HEAD', path: `${root}/a.txt` });
    expect([head.status, head.headers.allow]).toEqual([405, 'GET']);
    const unknown = await server.request('GET', `/api/conversations/${UNKNOWN}/workspace/a.txt`);
    expect(unknown).toMatchObject({ status: 404, body: { detail: `Conversation not found: ${UNKNOWN}` } });
    const noId = await server.request('GET', '/api/conversations/xx/workspace/a.txt');
    expect(noId).toMatchObject({ status: 422, body: { detail: [{ type: 'uuid_parsing', input: 'xx' }] } });
  });

  it('the files of a workspace are not found when their folder was removed', async () => {
    const gone = path.join(folder, 'gone');
    const { route } = await ConversationClient.create(server, scriptedRequest(gone));
    await rm(gone, { recursive: true });
    const answer = await server.request('GET', `${route}/workspace/a.txt`);
    expect(answer).toMatchObject({ status: 404, body: { detail: 'Workspace directory does not exist' } });
  });
});

describe('the workspace cookie', () => {
  const session = '/api/auth/workspace-session';
  const odd = 'a b;c="d",ü%41';
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({ env: { OH_SESSION_API_KEYS: JSON.stringify(['key-a', odd]) } });
  });
  afterAll(() => server.stop());

  const ask = (method: string, headers: Record<string, string>) =>
    rawRequest(server.url, { method, path: session, headers });
  const cookie = (value: string, age: number, more = '') => [
    `oh_workspace_session_key=${value}; HttpOnly; Max-Age=${age}; Path=/api/conversations; SameSite=none${more}`,
  ];
  const SECURE = '; Secure; Partitioned';
  const key = { 'x-session-api-key': 'key-a' };

  it('is set for a key, and deleted', async () => {
    expect((await ask('POST', {})).status).toBe(401);
    expect((await ask('POST', { cookie: 'oh_workspace_session_key=key-a' })).status).toBe(401);
    const given = await ask('POST', { ...key, origin: 'https://any.example' });
    expect([given.status, given.text, given.headers['set-cookie']]).toEqual([
      204,
      '',
      cookie('key-a', 315_360_000, SECURE),
    ]);
    expect(given.headers).toMatchObject({
      'access-control-allow-origin': 'https://any.example',
      'access-control-allow-credentials': 'true',
    });
    const bearer = await ask('POST', { authorization: 'Bearer key-a' });
    expect(bearer.headers['set-cookie']).toEqual(cookie('key-a', 315_360_000, SECURE));
    const taken = await ask('DELETE', key);
    expect([taken.status, taken.headers['set-cookie']]).toEqual([204, cookie('""', 0, SECURE)]);
    expect((await ask('GET', key)).status).toBe(405);
  });

  it('is secure where browsers require it', async () => {
    const host = 'agent.example';
    expect((await ask('POST', { ...key, host })).headers['set-cookie']).toEqual(cookie('key-a', 315_360_000));
    const tls = await ask('POST', { ...key, host, 'x-forwarded-proto': 'https' });
    expect(tls.headers['set-cookie']).toEqual(cookie('key-a', 315_360_000, SECURE));
  });

  it('gives access to files and nothing else', async () => {
    const { route } = await createWith(server, 'key-a');
    await writeFile(path.join(server.cwd, 'x.txt'), 'x');
    const file = `${route}/workspace/x.txt`;
    const asked = async (path: string, header: Record<string, string>) =>
      (await rawRequest(server.url, { path, headers: header })).status;
    expect(await asked(file, {})).toBe(401);
    expect(await asked(file, { cookie: 'oh_workspace_session_key=key-b' })).toBe(401);
    expect(await asked(file, { cookie: 'oh_workspace_session_key=""' })).toBe(401);
    expect(await asked(file, { cookie: 'a=b; oh_workspace_session_key=key-a; c=d' })).toBe(200);
    expect(await asked(file, key)).toBe(200);
    expect(await asked(route, { cookie: 'oh_workspace_session_key=key-a' })).toBe(401);
    expect(await asked(`${route}/events/search`, { cookie: 'oh_workspace_session_key=key-a' })).toBe(401);
  });

  it('the workspace cookie can carry any key', async () => {
    const { route } = await createWith(server, 'key-a');
    const given = await fetch(server.url + session, {
      method: 'POST',
      headers: { 'x-session-api-key': Buffer.from(odd).toString('latin1') },
    });
    // Headers hold bytes; a key with letters beyond ASCII cannot come in one as it is.
    expect(given.status).toBe(401);
    const value = encodeURIComponent(odd);
    const answer = await rawRequest(server.url, {
      path: `${route}/workspace/nope`,
      headers: { cookie: `oh_workspace_session_key=${value}` },
    });
    expect(answer.status).toBe(404);
  });
});

describe('the workspace cookie of a server without keys', () => {
  it('is empty and not needed', async () => {
    const server = await ServerProcess.start();
    const given = await rawRequest(server.url, { method: 'POST', path: '/api/auth/workspace-session' });
    expect([given.status, String(given.headers['set-cookie'])]).toEqual([
      204,
      expect.stringMatching(/^oh_workspace_session_key="";/),
    ]);
    await server.stop();
  });
});

async function createWith(server: ServerProcess, key: string): Promise<ConversationClient> {
  const headers = { 'x-session-api-key': key };
  const { body } = await server.request('POST', '/api/conversations', scriptedRequest(server.cwd), headers);
  return new ConversationClient(server, (body as { id: string }).id);
}
