import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { create } from 'tar';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { describeWithBubblewrap } from '../support/sandbox.js';
import { ServerProcess } from '../support/server-process.js';

/** Not every machine has pip. */
const PIP = spawnSync('python3', ['-c', 'import pip, zipfile'], { stdio: 'ignore' }).status === 0;

describeWithBubblewrap('toolchains in the sandbox "workspace" with listed hosts', () => {
  let folder = '';
  let server: ServerProcess;
  let site: Server;
  let port = 0;

  const at = (...names: string[]): string => path.join(folder, ...names);

  beforeAll(async () => {
    // Not below /tmp, which is another folder in this mode.
    folder = await mkdtemp(path.join(os.homedir(), '.toolchains-'));
    for (const name of ['server', 'work', 'site']) await mkdir(at(name));
    site = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://site');
      readFile(path.join(at('site'), pathname.endsWith('/') ? `${pathname}index.html` : pathname)).then(
        (bytes) => {
          if (pathname.endsWith('/')) response.setHeader('content-type', 'text/html');
          response.end(bytes);
        },
        () => response.writeHead(404).end(),
      );
    });
    site.listen(0, '127.0.0.1');
    await once(site, 'listening');
    port = (site.address() as AddressInfo).port;
    await publish();
    server = await ServerProcess.start({
      cwd: at('server'),
      env: {
        OH_SANDBOX: 'workspace',
        OH_SANDBOX_REQUIRED: 'true',
        OH_SANDBOX_NETWORK: JSON.stringify([`127.0.0.1:${port}`, 'private.invalid']),
        // Programs of this machine that are not part of its system.
        OH_SANDBOX_READABLE: JSON.stringify([path.dirname(path.dirname(process.execPath)), '~/.pyenv']),
      },
    });
  });
  afterAll(async () => {
    await server.stop();
    site.close();
    site.closeAllConnections();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  /** A repository, a package of npm and one of Python, as files for a web server. */
  async function publish(): Promise<void> {
    const base = `http://127.0.0.1:${port}`;
    await mkdir(at('made'));
    run(
      'git init -q -b main r && cd r && echo hello > file && git add . && git -c user.name=t -c user.email=t@t commit -qm x',
    );
    run(
      'git clone -q --bare r ../site/repository.git && cd ../site/repository.git && git update-server-info',
    );
    await mkdir(at('made/package'));
    await writeFile(
      at('made/package/package.json'),
      JSON.stringify({ name: 'small', version: '1.0.0', main: 'i.js' }),
    );
    await writeFile(at('made/package/i.js'), 'module.exports = "from npm";');
    await create({ gzip: true, cwd: at('made'), file: at('site/small-1.0.0.tgz') }, ['package']);
    const version = {
      name: 'small',
      version: '1.0.0',
      main: 'i.js',
      dist: { tarball: `${base}/small-1.0.0.tgz` },
    };
    const document = { name: 'small', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } };
    await writeFile(at('site/small'), JSON.stringify(document));
    if (!PIP) return;
    await mkdir(at('site/simple/tiny'), { recursive: true });
    const wheel = `
import zipfile
with zipfile.ZipFile('../site/simple/tiny/tiny-1.0-py3-none-any.whl', 'w') as z:
    z.writestr('tiny.py', 'text = "from pip"')
    z.writestr('tiny-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n')
    z.writestr('tiny-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    z.writestr('tiny-1.0.dist-info/RECORD', 'tiny.py,,\\ntiny-1.0.dist-info/METADATA,,\\ntiny-1.0.dist-info/WHEEL,,\\ntiny-1.0.dist-info/RECORD,,\\n')
`;
    await writeFile(at('made/wheel.py'), wheel);
    run('python3 wheel.py');
    await writeFile(
      at('site/simple/tiny/index.html'),
      '<a href="tiny-1.0-py3-none-any.whl">tiny-1.0-py3-none-any.whl</a>',
    );
  }

  function run(command: string): void {
    const { status, stderr } = spawnSync('/bin/sh', ['-ec', command], { cwd: at('made'), encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command}: ${stderr}`);
  }

  /** What a script prints that an agent runs in its terminal. */
  async function outputOf(script: string): Promise<string> {
    await writeFile(at('work/script.sh'), script.replaceAll('SITE', `http://127.0.0.1:${port}`));
    const request = scriptedRequest(at('work'), 'RUN: bash script.sh > out 2>&1\nFINISH: done');
    await (await ConversationClient.create(server, request)).reaches('finished');
    return readFile(at('work/out'), 'utf8');
  }

  it('clones with git', async () => {
    expect(await outputOf('git clone -q SITE/repository.git cloned && cat cloned/file')).toBe('hello\n');
  });

  it('installs with npm', async () => {
    const script = `
mkdir -p app && cd app && echo '{"name": "app", "version": "1.0.0"}' > package.json
npm install --no-audit --no-fund --registry SITE/ small > log 2>&1 || cat log
node -p 'require("small")'`;
    expect(await outputOf(script)).toBe('from npm\n');
  });

  (PIP ? it : it.skip)('installs with pip', async () => {
    const script = `
python3 -m pip install -q --disable-pip-version-check --root-user-action ignore \\
  --index-url SITE/simple/ --target site tiny 2> errors || cat errors
PYTHONPATH=site python3 -c 'import tiny; print(tiny.text)'`;
    expect(await outputOf(script)).toBe('from pip\n');
  });

  it('tells why another host cannot be reached, in the answer and in the log', async () => {
    const output = await outputOf(`
curl -sS http://example.org/ ; echo
curl -sS https://example.org/ ; echo
curl -sS --noproxy '*' --max-time 5 http://10.0.0.1/ ; echo
curl -sS --noproxy '*' --max-time 5 SITE/small ; echo
exit 0`);
    expect(output).toContain('example.org:80 is not among the hosts that programs in this sandbox may reach');
    expect(output).toContain('response 403');
    // Without the proxy there is no network at all.
    expect(output).not.toContain('dist-tags');
    await server.logs('example.org:443 is not among the hosts');
  });

  it('leaves a program the exit status, the arguments and the terminal that it has without the proxy', async () => {
    const output = await outputOf(`
node -e 'process.exit(7)' ; echo "status $?"
python3 -c 'print("a  b")' 2>/dev/null || echo 'a  b'
tty > /dev/null < /dev/tty && echo terminal
exit 0`);
    expect(output).toBe('status 7\na  b\nterminal\n');
  });

  it('lets an agent reach its own servers on the loopback interface', async () => {
    const script = `
node -e 'require("http").createServer((q, r) => r.end("mine")).listen(0, "localhost", function () { console.log(this.address().port) })' > port &
until [ -s port ]; do sleep 0.05; done
curl -sS "http://localhost:$(cat port)/"; kill %1; exit 0`;
    expect(await outputOf(script)).toContain('mine');
  });
});
