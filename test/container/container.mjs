/**
 * Builds the image from the Dockerfile as it is and runs it, with podman instead of a Docker engine: health
 * check, keys in files, the user, the volume, restarts, `compose.yaml` and `compose.cluster.yaml`, and
 * conversations in containers. Not part of `npm test`: it needs root, Debian's packages `podman runc buildah
 * debootstrap netavark nftables`, a mirror of Debian and a registry of npm, 5 GB of disk and some minutes;
 * for the compose files also `podman-compose aardvark-dns`. Base images are made, not fetched, and kept in
 * `node_modules/.cache`. Everything else is removed at the end.
 *
 *     npm run test:container
 */
import assert from 'node:assert/strict';
import { access, cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { baseImage } from './base-image.mjs';
import { runCluster } from './cluster.mjs';
import { walkConversationContainers } from './conversation-containers.mjs';
import { Podman } from './podman.mjs';
import { freePort } from '../../scripts/free-port.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What it needs: a program of each of Debian's packages. */
const PROGRAMS = {
  podman: 'podman',
  runc: 'runc',
  buildah: 'buildah',
  debootstrap: 'debootstrap',
  netavark: 'netavark',
  nftables: 'nft',
};
const COMPOSE_PROGRAMS = { 'podman-compose': 'podman-compose', 'aardvark-dns': 'aardvark-dns' };
/** Where programs are that are not on the `PATH` of every user. */
const MORE_PLACES = ['/usr/sbin', '/sbin', '/usr/lib/podman', '/usr/libexec/podman'];
const BASE = 'localhost/agent-server-base';
/** The name that compose.yaml gives the image. */
const IMAGE = 'localhost/openhands-agent-server';
const PATIENCE_MS = 60_000;
/** The server shuts down within 10 seconds; compose.yaml waits for 15. */
const STOP_SECONDS = 15;
const SESSION_KEY = 'key-of-the-session';

if (process.getuid?.() !== 0) skip('it needs root, for debootstrap and networks of containers');
const missing = await missingPackages(PROGRAMS);
if (missing.length > 0) skip(`apt-get install --no-install-recommends ${missing.join(' ')}`);

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interruption.abort());
const folder = await mkdtemp(path.join(os.tmpdir(), 'container-test-'));
const engine = new Podman(folder, interruption.signal);
const secrets = path.join(folder, 'secrets');
let passed = 0;
try {
  await engine.prepare();
  await writeSecrets();
  await buildImage();
  await runContainer();
  await restartContainer();
  await runWithoutKey();
  if (await hasCompose()) {
    await runCompose();
    await runCluster({ engine, folder, step, eventually });
  }
  await walkConversationContainers({ engine, image: IMAGE, folder, step, eventually });
  console.log(`${passed} passed, 0 failed`);
} catch (error) {
  console.error(interruption.signal.aborted ? 'interrupted' : error);
  console.log(`${passed} passed, 1 failed`);
  process.exitCode = 1;
} finally {
  await engine.clean();
}

async function writeSecrets() {
  // As compose.yaml says: the folder keeps other users out, the files are readable in the container.
  await mkdir(secrets, { mode: 0o700 });
  await writeFile(path.join(secrets, 'session_api_key'), `${SESSION_KEY}\n`);
  await writeFile(path.join(secrets, 'secret_key'), 'key-of-secrets\n');
}

async function buildImage() {
  await step('a base image is made by debootstrap and npm', async () => {
    const { archive, environment } = await baseImage(
      (...command) => engine.run(...command),
      `${folder}/work`,
    );
    const changes = Object.entries(environment).flatMap(([name, value]) => [
      '--change',
      `ENV ${name}=${value}`,
    ]);
    await engine.podman('import', ...changes, archive, BASE);
  });
  await step('the Dockerfile is built as it is', async () => {
    // Works without user namespaces and cgroups. The format is the one that knows health checks.
    const limits = ['nofile', 'nproc'].flatMap((name) => ['--ulimit', `${name}=20000:20000`]);
    const options = ['--isolation', 'chroot', '--network', 'host', '--format', 'docker', ...limits];
    await engine.run('buildah', ['bud', ...options, '--build-arg', `NODE=${BASE}`, '--tag', IMAGE, ROOT]);
  });
  await step('the image holds no key and no file of the build', async () => {
    const [{ Config }] = JSON.parse(await engine.podman('image', 'inspect', IMAGE));
    assert.deepEqual(
      Config.Env.filter((variable) => /KEY|SECRET|TOKEN/.test(variable)),
      [],
    );
    const files = await engine.podman(
      'run',
      '--rm',
      '--network',
      'none',
      '--entrypoint',
      'ls',
      IMAGE,
      '/',
      '/opt/agent-server',
    );
    assert.doesNotMatch(files, /^(build|src|scripts|test)$/m);
    assert.match(files, /^dist$/m);
  });
}

async function runContainer() {
  const server = await startContainer('first', withKeys());
  await step('the health check passes, and clients need the key of the file', async () => {
    await engine.podman('healthcheck', 'run', 'first');
    assert.equal((await fetch(`${server}/api/conversations/count`)).status, 401);
    assert.equal(await request(server, 'GET', '/api/conversations/count'), 0);
  });
  await step('the web UI is served at /', async () => {
    const page = await fetch(server, { headers: { accept: 'text/html' } });
    const text = await page.text();
    assert.equal(page.status, 200);
    const [, script] = /(?:src|href)="(\/assets\/[^"]+\.js)"/.exec(text) ?? [];
    assert.ok(script, `the page of the UI loads no script: ${text}`);
    assert.equal((await fetch(server + script)).status, 200);
  });
  await step('tini is process 1, the user is not root and has no capabilities', async () => {
    assert.equal(await inside('first', 'cat /proc/1/comm'), 'tini');
    assert.equal(await inside('first', 'id -u; id -g'), '1000\n1000');
    const status = await inside('first', 'cat /proc/1/status');
    assert.match(status, /^CapEff:\s+0+$/m);
    assert.match(status, /^NoNewPrivs:\s+1$/m);
    assert.equal(await inside('first', 'find /opt/agent-server -writable | head -n 1'), '');
  });
  await step('an agent works in the volume with bash, git and a secret', async () => {
    const script = [
      'RUN: git init -q . && echo "$TOKEN" | md5sum > token && id -u > user && git add -A',
      'FINISH: done',
    ].join('\n');
    const { id } = await request(server, 'POST', '/api/conversations', {
      agent: { llm: { model: 'scripted/test' }, tools: [{ name: 'terminal' }] },
      workspace: { working_dir: 'workspace/project' },
      secrets: { TOKEN: { kind: 'StaticSecret', value: 'value-of-the-token' } },
      initial_message: message(script),
    });
    await reachesFinished(server, id);
    assert.equal(await inside('first', 'cat /workspace/project/user'), '1000');
  });
  await step('neither key nor secret is stored in the clear', async () => {
    const search = `grep --recursive --files-with-matches --regexp ${SESSION_KEY} --regexp key-of-secrets --regexp value-of-the-token /workspace || true`;
    assert.equal(await inside('first', search), '');
    assert.doesNotMatch(await engine.podman('inspect', 'first'), /key-of-/);
  });
  await step('only the volume and temporary files are written', async () => {
    const changed = (await engine.podman('diff', 'first')).split('\n').map((line) => line.slice(2));
    const allowed = /^\/(tmp|etc|run|proc|sys|dev|workspace)(\/|$)/;
    assert.deepEqual(
      changed.filter((name) => name !== '' && !allowed.test(name)),
      [],
    );
  });
}

async function restartContainer() {
  await step('the container stops in time and without an error', async () => {
    await engine.podman('stop', '--time', String(STOP_SECONDS), 'first');
    assert.equal(await engine.podman('inspect', '--format', '{{.State.ExitCode}}', 'first'), '0');
    await engine.podman('rm', 'first');
  });
  const server = await startContainer('second', withKeys());
  await step('a new container continues the conversation of the volume, with its secret', async () => {
    const [{ id }] = (await request(server, 'GET', '/api/conversations/search')).items;
    const script = 'RUN: echo "$TOKEN" | md5sum | cmp - token && touch same\nFINISH: done';
    await request(server, 'POST', `/api/conversations/${id}/events`, { ...message(script), run: true });
    await eventually(
      () =>
        inside('second', 'test -e /workspace/project/same').then(
          () => true,
          () => false,
        ),
      'the second answer',
    );
    await reachesFinished(server, id);
  });
  await step('a container that was killed is found again by the next', async () => {
    await engine.podman('kill', 'second');
    await engine.podman('rm', 'second');
    const next = await startContainer('third', withKeys());
    assert.equal(await request(next, 'GET', '/api/conversations/count'), 1);
    await engine.podman('rm', '--force', '--time', String(STOP_SECONDS), 'third');
  });
}

async function runWithoutKey() {
  const server = await startContainer('keyless', []);
  await step('without a key only the container itself is served', async () => {
    await engine.podman('healthcheck', 'run', 'keyless');
    const answer = await fetch(`${server}/alive`);
    assert.equal(answer.status, 403);
    assert.match(await answer.text(), /session key/i);
  });
  await engine.podman('rm', '--force', '--time', String(STOP_SECONDS), 'keyless');
}

async function hasCompose() {
  const needed = await missingPackages(COMPOSE_PROGRAMS);
  if (needed.length === 0) return true;
  console.log(
    `left out: compose.yaml, compose.cluster.yaml. apt-get install --no-install-recommends ${needed.join(' ')}`,
  );
  return false;
}

async function runCompose() {
  const project = path.join(folder, 'project');
  await mkdir(project);
  await cp(path.join(ROOT, 'compose.yaml'), path.join(project, 'compose.yaml'));
  await cp(secrets, path.join(project, 'secrets'), { recursive: true });
  const port = await freePort();
  const compose = (...args) =>
    engine.run('podman-compose', ['--file', `${project}/compose.yaml`, ...args], { PORT: String(port) });
  await step('compose.yaml starts the image with keys, limits and a volume', async () => {
    await compose('up', '--detach', '--no-build');
    const server = `http://127.0.0.1:${port}`;
    await isServing(server);
    assert.equal(await request(server, 'GET', '/api/conversations/count'), 0);
    const name = await engine.podman('ps', '--format', '{{.Names}}');
    await engine.podman('healthcheck', 'run', name);
    const [{ HostConfig }] = JSON.parse(await engine.podman('inspect', name));
    assert.equal(HostConfig.Memory, 4 * 1024 ** 3);
    assert.match(await inside(name, 'cat /proc/1/status'), /^NoNewPrivs:\s+1$/m);
    await compose('down', '--volumes');
    assert.equal(await engine.podman('ps', '--all', '--quiet'), '');
  });
}

/** Mounts the keys as compose.yaml does. */
function withKeys() {
  const names = { SESSION_API_KEY_FILE: 'session_api_key', OH_SECRET_KEY_FILE: 'secret_key' };
  return Object.entries(names).flatMap(([variable, name]) => [
    '--env',
    `${variable}=/run/secrets/${name}`,
    '--volume',
    `${secrets}/${name}:/run/secrets/${name}:ro`,
  ]);
}

/** Starts a container like that of compose.yaml on a free port. @returns its address for clients */
async function startContainer(name, options) {
  const limits = ['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--pids-limit', '512'];
  const places = ['--volume', 'workspace:/workspace', '--publish', '127.0.0.1::8000'];
  await engine.podman('run', '--detach', '--name', name, ...limits, ...places, ...options, IMAGE);
  const server = `http://${(await engine.podman('port', name, '8000')).split('\n')[0]}`;
  await isServing(server);
  return server;
}

/** Waits until it answers, whatever it answers. */
function isServing(server) {
  return eventually(() => fetch(`${server}/health`).then(Boolean, () => false), `an answer of ${server}`);
}

function inside(container, command) {
  return engine.podman('exec', container, 'bash', '-c', command);
}

function message(text) {
  return { role: 'user', content: [{ type: 'text', text }] };
}

async function request(server, method, route, body) {
  const answer = await fetch(server + route, {
    method,
    headers: { 'x-session-api-key': SESSION_KEY, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${route} answered ${answer.status}: ${text}`);
  return JSON.parse(text);
}

function reachesFinished(server, id) {
  return eventually(async () => {
    const { execution_status: status } = await request(server, 'GET', `/api/conversations/${id}`);
    assert.notEqual(status, 'error');
    return status === 'finished';
  }, 'the end of the run');
}

async function step(name, action) {
  const started = Date.now();
  await action();
  passed++;
  console.log(`ok: ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

async function eventually(condition, what) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    interruption.signal.throwIfAborted();
    if (Date.now() > end) throw new Error(`${what} did not come within ${PATIENCE_MS} ms`);
    await sleep(50);
  }
}

/** @returns the packages that are not installed */
async function missingPackages(programs) {
  const places = [...(process.env.PATH ?? '').split(path.delimiter), ...MORE_PLACES];
  const names = [];
  for (const [name, program] of Object.entries(programs)) {
    const found = await Promise.allSettled(places.map((place) => access(path.join(place, program))));
    if (!found.some(({ status }) => status === 'fulfilled')) names.push(name);
  }
  return names;
}

function skip(reason) {
  console.log(`skipped: ${reason}`);
  process.exit(0);
}
