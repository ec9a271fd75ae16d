import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Agent, fetch, FormData, request } from 'undici';
import { ROOT } from '../support/checkout.js';
import { compiledExample, ExampleProgram } from '../support/example-program.js';
import { freePort } from '../support/free-port.js';
import { NAME, Nginx, NGINX_MISSING } from '../support/nginx.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const KEY = 'the-key-of-the-test';
if (NGINX_MISSING !== undefined) {
  process.stderr.write(`examples/operate/nginx.conf is not tested: ${NGINX_MISSING}\n`);
}

(NGINX_MISSING === undefined ? describe : describe.skip)('the example configuration of nginx', () => {
  let server: ServerProcess;
  let nginx: Nginx;
  let secure: Agent;

  beforeAll(async () => {
    server = await ServerProcess.start({
      key: KEY,
      env: {
        SESSION_API_KEY: KEY,
        OH_TRUST_FORWARDED_HEADERS: '1',
        OH_MAX_FAILED_KEYS_PER_MINUTE: '3',
        OH_GATEWAY_KEEP_ALIVE_SECONDS: '0.1',
      },
    });
    nginx = await Nginx.start(server.url);
    secure = new Agent({ connect: { ca: await readFile(nginx.certificate) } });
  });
  afterAll(async () => {
    await secure.destroy();
    await nginx.stop();
    await server.stop();
  });

  const ask = (route: string, init: Parameters<typeof fetch>[1] = {}) =>
    fetch(nginx.url + route, {
      dispatcher: secure,
      ...init,
      headers: { 'x-session-api-key': KEY, ...(init.headers as Record<string, string>) },
    });

  it('passes REST requests on, and redirects plain HTTP to TLS', async () => {
    const answer = await ask('/api/conversations/count');
    expect({ status: answer.status, body: await answer.text() }).toEqual({ status: 200, body: '0' });
    const plain = await request(`http://127.0.0.1:${nginx.httpPort}/docs?a=1`, { headers: { host: NAME } });
    await plain.body.dump();
    expect(plain.statusCode).toBe(308);
    expect(plain.headers['location']).toBe(`https://${NAME}/docs?a=1`);
  });

  it('passes sockets on, and a client resumes after the proxy was restarted', async () => {
    const example = await compiledExample('client/client.ts');
    const task = ['RUN: echo one', 'RUN: until [ -e go ]; do sleep 0.02; done; echo two', 'FINISH: done'];
    const client = ExampleProgram.start([process.execPath, example.file, task.join('\n')], {
      AGENT_SERVER_URL: nginx.url,
      SESSION_API_KEY: KEY,
      NODE_EXTRA_CA_CERTS: nginx.certificate,
    });
    try {
      await client.prints('sleep 0.02');
      await nginx.restart();
      await client.prints('the connection was lost');
      await writeFile(path.join(server.cwd, 'workspace/project/go'), '');
      await client.prints('The conversation is finished.');
      expect(client.output.match(/^(one|two|done)$/gm)).toEqual(['one', 'two', 'done']);
      expect(await client.end()).toBe(0);
    } finally {
      await client.stop();
      await example.remove();
    }
  });

  it('passes a streamed answer on while it is made', async () => {
    const profile = await ask('/api/profiles/main', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ llm: { model: 'scripted/test' } }),
    });
    expect(profile.ok).toBe(true);
    const answer = await ask('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'openhands_main',
        stream: true,
        messages: [{ role: 'user', content: 'WAIT: 1000\nSAY: late' }],
      }),
    });
    const reader = answer.body?.getReader();
    // The answer has no end yet: what arrives was not held back.
    let text = '';
    while (!text.includes(': keep-alive'))
      text += Buffer.from((await reader?.read())?.value ?? []).toString();
    await reader?.cancel();
  });

  it('passes large files in both directions unchanged', async () => {
    const content = randomBytes(24 * 1024 * 1024);
    const target = encodeURIComponent(path.join(server.cwd, 'large.bin'));
    const form = new FormData();
    form.append('file', new Blob([content]), 'large.bin');
    const upload = await ask(`/api/file/upload?path=${target}`, { method: 'POST', body: form });
    expect(upload.status).toBe(200);
    const download = await ask(`/api/file/download?path=${target}`);
    const hash = createHash('sha256');
    for await (const chunk of download.body ?? []) hash.update(chunk as Uint8Array);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'));
  });

  it('tells the server the protocol and the id of a request', async () => {
    const session = await ask('/api/auth/workspace-session', { method: 'POST' });
    expect(session.headers.get('set-cookie')).toMatch(/; Secure/);
    expect(session.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
  });

  it('replaces the address that a client claims to have', async () => {
    const statuses: number[] = [];
    for (let host = 1; host <= 5; host++) {
      const headers = { 'x-session-api-key': 'wrong', 'x-forwarded-for': `10.0.0.${host}` };
      statuses.push((await ask('/api/conversations/count', { headers })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
  });

  it('keeps the query, which may hold a key, out of its log', async () => {
    await ask('/server_info?session_api_key=in-the-query');
    await eventually(async () => (await nginx.log()).includes('GET /server_info'), 'the request in the log');
    expect(await nginx.log()).not.toContain('in-the-query');
  });
});

describe('the example unit of systemd', () => {
  const UNIT = path.join(ROOT, 'examples/operate/openhands-agent-server.service');
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'unit-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** The unit for a machine whose paths are below the folder of the test. */
  async function unit(port: number): Promise<string> {
    return (await readFile(UNIT, 'utf8'))
      .replaceAll('/usr/bin/node', process.execPath)
      .replaceAll('/opt/agent-server/', ROOT)
      .replaceAll('/var/lib/agent-server', folder)
      .replaceAll('/etc/agent-server', folder)
      .replaceAll('--port 8000', `--port ${port}`);
  }

  it('gives the server more time to stop than it needs, and names what a reader installs', async () => {
    const text = await readFile(UNIT, 'utf8');
    const guide = await readFile(path.join(ROOT, 'docs/operation.md'), 'utf8');
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(text)?.[1])).toBeGreaterThan(10);
    for (const name of [
      '/opt/agent-server',
      '/etc/agent-server/session_api_key',
      '/etc/agent-server/secret_key',
    ]) {
      expect(text).toContain(name);
      expect(guide).toContain(name);
    }
  });

  const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
  (hasSystemd ? it : it.skip)('is accepted by systemd', async () => {
    const file = path.join(folder, path.basename(UNIT));
    await writeFile(file, await unit(8000));
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', file]);
    expect({ status, output: stdout.toString() + stderr.toString() }).toEqual({ status: 0, output: '' });
  });

  it('starts a server with its command and its environment', async () => {
    const text = await unit(await freePort());
    await writeFile(path.join(folder, 'session_api_key'), KEY);
    await writeFile(path.join(folder, 'secret_key'), 'a secret');
    const [program = '', ...args] = (/^ExecStart=(.*)$/m.exec(text)?.[1] ?? '').split(' ');
    const variables = [...text.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [
      name,
      value,
    ]);
    const env = { PATH: process.env['PATH'], ...(Object.fromEntries(variables) as Record<string, string>) };
    const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const exit = once(child, 'exit');
    let log = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
    try {
      await eventually(() => log.includes('listening on'), 'the server listens');
      const url = `http://127.0.0.1:${args.at(-1)}/api/conversations/count`;
      expect((await fetch(url)).status).toBe(401);
      expect((await fetch(url, { headers: { 'x-session-api-key': KEY } })).status).toBe(200);
      expect(log).not.toContain('OH_SECRET_KEY was not defined');
    } finally {
      child.kill();
      await exit;
    }
  });
});
