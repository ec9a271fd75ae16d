import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServerProcess } from '../support/server-process.js';
import { writeFiles } from '../support/write-files.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const WARNING = '⚠️ OH_SECRET_KEY was not defined. Secrets will not be persisted between restarts.';

describe('the command line', () => {
  let cwd: string;
  beforeEach(async () => {
    cwd = await mkdtemp(path.join(os.tmpdir(), 'command-line-'));
  });
  afterEach(() => rm(cwd, { recursive: true, force: true }));

  async function run(args: string[], env: Record<string, string> = {}) {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd,
      env: { PATH: process.env['PATH'] ?? '', OH_UI_PATH_IS_NONE: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await once(child, 'close');
    return { code: child.exitCode, stdout, stderr };
  }

  it('prints the version and the help', async () => {
    const manifest = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
    expect(manifest).toContain(`"version": "${(await run(['--version'])).stdout.trim()}"`);
    expect(await run(['--help'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('ends with one line for an unknown option', async () => {
    const { code, stderr } = await run(['--nope']);
    expect(code).toBe(2);
    expect(stderr).toBe("openhands-agent-server: Unknown option '--nope' (see --help)\n");
  });

  it('ends with one line when the port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? String(address.port) : '';
    const { code, stderr } = await run(['--host', '127.0.0.1', '--port', port], { OH_SECRET_KEY: 'key' });
    other.close();
    expect(code).toBe(1);
    expect(stderr).toBe(
      `openhands-agent-server: port ${port} on 127.0.0.1 is in use: ` +
        'stop the other program or choose another port with --port\n',
    );
  });

  it('ends with one line when the conversations cannot be written', async () => {
    await writeFile(path.join(cwd, 'file'), '');
    const { code, stderr } = await run(['--port', '0'], { OH_CONVERSATIONS_PATH: 'file/conversations' });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^openhands-agent-server: cannot write to .*file\/conversations \(ENOTDIR\): .*\n$/,
    );
    const { stderr: atFile } = await run(['--port', '0'], { OH_CONVERSATIONS_PATH: 'file' });
    expect(atFile).toMatch(
      /^openhands-agent-server: cannot write to .*file \(.*file is not a folder\): .*\n$/,
    );
  });

  it('ends with a line for each mistake in the configuration', async () => {
    await mkdir(path.join(cwd, 'workspace'));
    const file = path.join(cwd, 'workspace', 'openhands_agent_server_config.json');
    await writeFile(file, '{"max_concurrent_runs": 0, "session_api_key": 1}');
    const { code, stderr } = await run(['--port', '0']);
    expect(code).toBe(1);
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^openhands-agent-server: configuration: session_api_key: expected a string/),
      expect.stringMatching(/^openhands-agent-server: configuration: max_concurrent_runs: expected a whole/),
    ]);
    expect((await run(['--check-config'])).code).toBe(1);
  });

  it('prints the effective configuration without its secrets', async () => {
    const { code, stdout } = await run(['--check-config'], {
      SESSION_API_KEY: 'marked',
      OH_VSCODE_PORT: '9',
    });
    expect(code).toBe(0);
    expect(stdout).not.toContain('marked');
    expect(JSON.parse(stdout)).toMatchObject({ session_api_keys: ['**********'], vscode_port: 9 });
  });

  it('warns of an unknown variable on stderr when it prints the configuration', async () => {
    const { code, stdout, stderr } = await run(['--check-config'], { OH_VSCODE_PRT: '9' });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ vscode_port: 8001 });
    expect(stderr).toBe(
      'openhands-agent-server: configuration: unknown variable OH_VSCODE_PRT has no effect: ' +
        'did you mean OH_VSCODE_PORT?\n',
    );
  });
});

describe('the server process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'shuts down gracefully on %s although a client keeps a connection open',
    async (signal) => {
      const server = await ServerProcess.start();
      await server.logs(WARNING);
      // fetch keeps its connections for later requests.
      await server.request('GET', '/alive');
      // After 10 s it would exit with 1.
      expect(await server.end(signal)).toBe(0);
      await server.stop();
    },
  );
});

describe('the log of a start', () => {
  const HOSTS = ['0.0.0.0', '127.0.0.1'];
  const servers = new Map<string, ServerProcess>();
  beforeAll(async () => {
    const env = { SESSION_API_KEY: 'key', OH_SECRET_KEY: 'key', OH_VSCODE_PRT: '9' };
    for (const host of HOSTS) {
      const cwd = await mkdtemp(path.join(os.tmpdir(), 'command-line-'));
      const file = 'workspace/openhands_agent_server_config.json';
      await writeFiles(cwd, { [file]: '{"max_concurent_runs": 1}' });
      servers.set(host, await ServerProcess.start({ cwd, host, env }));
    }
  });
  afterAll(async () => {
    for (const server of servers.values()) {
      await server.stop();
      await rm(server.cwd, { recursive: true });
    }
  });

  it.each(HOSTS)(
    'has addresses of the console and the API document that a browser opens, with --host %s',
    async (host) => {
      const server = started(host);
      const address = server.url.replace('127.0.0.1', 'localhost');
      await server.logs(`console: ${address}/console/`);
      expect(server.log).not.toContain('web UI');
      await server.logs(`API documentation: ${address}/docs`);
      await server.logs(`listening on ${address}`);
      for (const page of ['docs', 'console/']) expect((await fetch(`${address}/${page}`)).status).toBe(200);
    },
  );

  it('warns of an unknown field and an unknown variable, and not of a key that there is', async () => {
    const server = started('127.0.0.1');
    await server.logs(/unknown field max_concurent_runs .* did you mean max_concurrent_runs\?/);
    await server.logs('unknown variable OH_VSCODE_PRT has no effect: did you mean OH_VSCODE_PORT?');
    expect(server.log).not.toContain(WARNING);
  });

  it('has relative paths resolved in the working directory', async () => {
    const server = started('127.0.0.1');
    await server.logs(path.join(server.cwd, 'workspace/conversations'));
  });

  function started(host: string): ServerProcess {
    const server = servers.get(host);
    if (server === undefined) throw new Error(`no server was started with ${host}`);
    return server;
  }
});
