import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { freePort } from '../../scripts/free-port.mjs';

const START = fileURLToPath(new URL('../../scripts/start.mjs', import.meta.url));
const KEY = 'key-of-the-outer-server';
const SECRETS = ['key-of-the-model', 'value-of-the-secret', 'secret-key-of-the-outer-server'];
/** Longer than a step takes that looks into a container. */
const IDLE_SECONDS = 15;

/**
 * Conversations in containers of a real engine: podman's socket, which speaks Docker's API.
 * @param {{
 *   engine: import('./podman.mjs').Podman,
 *   image: string,
 *   folder: string,
 *   step: (name: string, action: () => Promise<void>) => Promise<void>,
 *   eventually: (condition: () => Promise<unknown>, what: string) => Promise<void>,
 * }} test
 */
export async function walkConversationContainers({ engine, image, folder, step, eventually }) {
  const socket = path.join(folder, 'engine.sock');
  const home = path.join(folder, 'outer');
  await mkdir(home);
  const started = [];
  const volumes = await engine.podman('volume', 'ls', '--quiet');
  let service = engine.start('podman', ['system', 'service', '--time=0', `unix://${socket}`]);
  started.push(service);
  await eventually(() => exists(socket), 'the socket of the engine');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;

  const startServer = async () => {
    const server = spawn(process.execPath, [START, '--host', '127.0.0.1', '--port', String(port)], {
      cwd: home,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        PATH: process.env.PATH,
        HOME: home,
        OH_PERSISTENCE_DIR: path.join(home, 'persistence'),
        OH_UI_PATH_IS_NONE: '1',
        SESSION_API_KEY: KEY,
        OH_SECRET_KEY: SECRETS[2],
        OH_CONVERSATION_RUNTIME: 'docker',
        OH_CONVERSATION_ENGINE: `unix://${socket}`,
        OH_CONVERSATION_IMAGE: image,
        OH_CONVERSATION_IDLE_TTL_SECONDS: String(IDLE_SECONDS),
      },
    });
    started.push(server);
    await eventually(
      () =>
        fetch(`${url}/ready`).then(
          ({ ok }) => ok,
          () => false,
        ),
      'the outer server',
    );
    return server;
  };
  const end = async (child, signal) => {
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  const request = async (method, route, body) => {
    const answer = await fetch(url + route, {
      method,
      headers: { 'x-session-api-key': KEY, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${route} answered ${answer.status}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  const say = (id, text) =>
    request('POST', `/api/conversations/${id}/events`, {
      role: 'user',
      content: [{ type: 'text', text }],
      run: true,
    });
  const answers = (id, text) =>
    eventually(
      async () => (await request('GET', `/api/conversations/${id}/agent_final_response`)).response === text,
      `the answer ${text}`,
    );
  const running = async () => (await engine.podman('ps', '--quiet')).split('\n').filter(Boolean);

  try {
    let server = await startServer();
    let id = '';
    const isStopped = async () =>
      (await request('GET', `/api/conversations/${id}/runtime`)).runtime_status === 'missing';
    await step('a conversation runs in a container of its own', async () => {
      const script = 'RUN: echo "$TOKEN" | wc -c > made; cat /proc/1/status\nFINISH: one';
      const created = await request('POST', '/api/conversations', {
        agent: { llm: { model: 'scripted/test', api_key: SECRETS[0] }, tools: [{ name: 'terminal' }] },
        secrets: { TOKEN: { kind: 'StaticSecret', value: SECRETS[1] } },
        autotitle: false,
        initial_message: { role: 'user', content: [{ type: 'text', text: script }] },
      });
      id = created.id;
      assert.equal(created.workspace.working_dir, '/workspace');
      await answers(id, 'one');
      assert.equal((await running()).length, 1);
    });
    await step('its events arrive at a socket', async () => {
      const client = new WebSocket(`${url.replace('http', 'ws')}/sockets/events/${id}?resend_mode=all`);
      client.once('open', () => client.send(JSON.stringify({ type: 'auth', session_api_key: KEY })));
      const kinds = [];
      client.on('message', (data) => kinds.push(JSON.parse(data).kind));
      await eventually(async () => kinds.includes('ObservationEvent'), 'an observation');
      client.close();
      await once(client, 'close');
    });
    await step('the engine shows no key, and limits hold', async () => {
      const [container] = await running();
      const text = await engine.podman('inspect', container);
      for (const secret of SECRETS) assert.ok(!text.includes(secret), `podman inspect shows ${secret}`);
      const [{ HostConfig }] = JSON.parse(text);
      assert.equal(HostConfig.Memory, 4 * 1024 ** 3);
      assert.equal(HostConfig.NanoCpus, 2e9);
      assert.equal(HostConfig.PidsLimit, 512);
      const status = await engine.podman('exec', container, 'cat', '/proc/1/status');
      assert.match(status, /^CapEff:\s+0+$/m);
      assert.match(status, /^NoNewPrivs:\s+1$/m);
      const environment = await engine.podman('exec', container, 'cat', '/proc/1/environ');
      assert.doesNotMatch(environment, /SESSION_API_KEY|SECRET_KEY/);
      const seen = await engine.podman('exec', container, 'ls', '/var/openhands/conversations');
      assert.equal(seen, id.replaceAll('-', ''));
    });
    await step('secrets are stored encrypted', async () => {
      for (const file of await readdir(home, { recursive: true, withFileTypes: true })) {
        if (!file.isFile()) continue;
        const text = await readFile(path.join(file.parentPath, file.name), 'latin1');
        for (const secret of SECRETS) assert.ok(!text.includes(secret), `${file.name} holds ${secret}`);
      }
    });
    await step('a killed outer server finds the running container again', async () => {
      const before = await running();
      await end(server, 'SIGKILL');
      server = await startServer();
      await say(id, 'FINISH: two');
      await answers(id, 'two');
      assert.deepEqual(await running(), before);
    });
    await step('a container that dies is replaced by the next request', async () => {
      await engine.podman('kill', ...(await running()));
      await say(id, 'RUN: test -e made\nFINISH: three');
      await answers(id, 'three');
    });
    await step('an idle container is stopped, and everything can still be read', async () => {
      await eventually(isStopped, 'the end of the container');
      assert.equal((await request('GET', '/api/conversations/search')).items.length, 1);
      assert.ok((await request('GET', `/api/conversations/${id}/events/count`)) > 10);
      await eventually(
        async () => (await engine.podman('ps', '--all', '--quiet')) === '',
        'the removal of the container',
      );
    });
    await step('the next message starts it again, with its files and its secret', async () => {
      await say(id, 'RUN: test "$(cat made)" = "$(echo "$TOKEN" | wc -c)" && touch same\nFINISH: four');
      await answers(id, 'four');
    });
    await step('while the engine is away reads go on, and the rest is 503 with the reason', async () => {
      await eventually(isStopped, 'the end of the container');
      await end(service, 'SIGTERM');
      const message = { role: 'user', content: [{ type: 'text', text: 'FINISH: five' }], run: true };
      const refused = await fetch(`${url}/api/conversations/${id}/events`, {
        method: 'POST',
        headers: { 'x-session-api-key': KEY, 'content-type': 'application/json' },
        body: JSON.stringify(message),
      });
      assert.equal(refused.status, 503);
      assert.ok(refused.headers.get('retry-after'));
      assert.match((await refused.json()).detail, /^The container engine is not available/);
      assert.equal((await request('GET', '/api/conversations/search')).items.length, 1);
      await eventually(async () => (await fetch(`${url}/ready`)).status === 503, 'not ready');
      service = engine.start('podman', ['system', 'service', '--time=0', `unix://${socket}`]);
      started.push(service);
      await eventually(async () => (await fetch(`${url}/ready`)).ok, 'ready again');
      await say(id, 'FINISH: five');
      await answers(id, 'five');
    });
    await step('a deleted conversation leaves nothing', async () => {
      await request('DELETE', `/api/conversations/${id}`);
      assert.equal(await request('GET', '/api/conversations/count'), 0);
      assert.equal(await engine.podman('ps', '--all', '--quiet'), '');
      assert.equal(await engine.podman('volume', 'ls', '--quiet'), volumes);
      const hex = id.replaceAll('-', '');
      const left = await readdir(home, { recursive: true });
      assert.deepEqual(
        left.filter((name) => name.includes(hex)),
        [],
      );
    });
    await end(server, 'SIGTERM');
  } finally {
    for (const child of started)
      if (child.exitCode === null && child.signalCode === null) await end(child, 'SIGKILL');
  }
}

function exists(file) {
  return access(file).then(
    () => true,
    () => false,
  );
}
