import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { create } from 'tar';
import { describeWithBubblewrap } from '../support/sandbox.js';
import { SandboxFixture } from '../support/sandbox-fixture.js';

/** Not every machine has pip. */
const PIP = spawnSync('python3', ['-c', 'import pip, zipfile'], { stdio: 'ignore' }).status === 0;
/** Nor Rust: its folders in the home folder, which the sandbox has to show. */
const CARGO = spawnSync('cargo', ['--version'], { stdio: 'ignore' }).status === 0;

describeWithBubblewrap('toolchains in the sandbox "workspace" with listed hosts', () => {
  let fixture: SandboxFixture;
  let site: Server;
  let port = 0;

  const at = (...names: string[]): string => fixture.at(...names);

  beforeAll(async () => {
    fixture = await SandboxFixture.make();
    await mkdir(at('site'));
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
    await fixture.serve({
      env: {
        OH_SANDBOX: 'workspace',
        OH_SANDBOX_REQUIRED: 'true',
        OH_SANDBOX_NETWORK: JSON.stringify([`127.0.0.1:${port}`, 'private.invalid']),
        // Programs of this machine that are not part of its system.
        OH_SANDBOX_READABLE: JSON.stringify([
          path.dirname(path.dirname(process.execPath)),
          ...['~/.pyenv', '~/.cargo/bin', '~/.rustup'],
        ]),
      },
    });
  });
  afterAll(async () => {
    await fixture.stop();
    site.close();
    site.closeAllConnections();
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
    if (CARGO) await publishCrate(base);
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

  /** A crate in a sparse registry (https://doc.rust-lang.org/cargo/reference/registry-index.html). */
  async function publishCrate(base: string): Promise<void> {
    const crate = at('made/little-1.0.0');
    await mkdir(path.join(crate, 'src'), { recursive: true });
    await writeFile(
      path.join(crate, 'Cargo.toml'),
      '[package]\nname = "little"\nversion = "1.0.0"\nedition = "2021"\n',
    );
    await writeFile(path.join(crate, 'src/lib.rs'), 'pub const TEXT: &str = "from cargo";\n');
    await create({ gzip: true, cwd: at('made'), file: at('site/little.crate') }, ['little-1.0.0']);
    const cksum = createHash('sha256')
      .update(await readFile(at('site/little.crate')))
      .digest('hex');
    await mkdir(at('site/index/li/tt'), { recursive: true });
    await writeFile(at('site/index/config.json'), JSON.stringify({ dl: `${base}/{crate}.crate` }));
    const version = { name: 'little', vers: '1.0.0', deps: [], cksum, features: {}, yanked: false };
    await writeFile(at('site/index/li/tt/little'), `${JSON.stringify(version)}\n`);
  }

  function run(command: string): void {
    const { status, stderr } = spawnSync('/bin/sh', ['-ec', command], { cwd: at('made'), encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command}: ${stderr}`);
  }

  /** What a script prints that an agent runs in its terminal. */
  async function outputOf(script: string): Promise<string> {
    return fixture.outputOf(script.replaceAll('SITE', `http://127.0.0.1:${port}`));
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
    // Version managers may say that they cannot note the new package.
    expect(await outputOf(script)).toMatch(/from pip\n$/);
  });

  (CARGO ? it : it.skip)('builds with cargo', async () => {
    const script = `
mkdir -p crate/src crate/.cargo && cd crate
printf '[registries.site]\\nindex = "sparse+SITE/index/"\\n' > .cargo/config.toml
printf '[package]\\nname = "app"\\nversion = "1.0.0"\\nedition = "2021"\\n[dependencies]\\nlittle = { version = "1", registry = "site" }\\n' > Cargo.toml
echo 'fn main() { println!("{}", little::TEXT); }' > src/main.rs
cargo run -q 2> errors || cat errors`;
    expect(await outputOf(script)).toBe('from cargo\n');
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
    await fixture.server.logs('example.org:443 is not among the hosts');
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
