import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { ROOT } from './checkout.js';
import { makeSelfSigned, OPENSSL_MISSING } from './certificates.js';
import { freePort } from './free-port.js';
import { eventually } from './server-process.js';

/** The name of the server in the example. */
export const NAME = 'agent.example.com';

const PROGRAM = ['nginx', '/usr/sbin/nginx'].find((name) => spawnSync(name, ['-v']).status === 0);

/** Why nginx cannot be started here; undefined if it can. */
export const NGINX_MISSING = PROGRAM === undefined ? 'there is no nginx' : OPENSSL_MISSING;

/** The real nginx with a configuration of this project: only its ports, paths and addresses are replaced. */
export class Nginx {
  private child: ChildProcess | undefined;
  private output = '';

  private constructor(
    private readonly folder: string,
    readonly httpPort: number,
    readonly httpsPort: number,
  ) {}

  /**
   * As `examples/operate/nginx.conf`, with TLS.
   * @param server the address of the server behind it
   */
  static async start(server: string): Promise<Nginx> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'nginx-'));
    const nginx = new Nginx(folder, await freePort(), await freePort());
    await nginx.configure('examples/operate/nginx.conf', {
      '127.0.0.1:8000': new URL(server).host,
      '/etc/letsencrypt/live/agent.example.com/fullchain.pem': nginx.certificate,
      '/etc/letsencrypt/live/agent.example.com/privkey.pem': path.join(folder, 'key.pem'),
      '/var/log/nginx/agent-server.log': nginx.accessLog,
      'listen 80;': `listen 127.0.0.1:${nginx.httpPort};`,
      'listen 443 ssl;': `listen 127.0.0.1:${nginx.httpsPort} ssl;`,
      // Not every machine has IPv6.
      'listen [::]:80;': '',
      'listen [::]:443 ssl;': '',
    });
    makeSelfSigned([NAME, 'localhost'], {
      certificate: nginx.certificate,
      key: path.join(folder, 'key.pem'),
    });
    await nginx.run(nginx.httpsPort);
    return nginx;
  }

  /**
   * As `deploy/nginx-cluster.conf`, without TLS.
   * @param servers the addresses of the three servers behind it
   */
  static async balance(servers: readonly [string, string, string]): Promise<Nginx> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'nginx-'));
    const port = await freePort();
    const nginx = new Nginx(folder, port, port);
    // Names that change (`resolve`) are for containers, and for nginx 1.27.3 and newer.
    const [first, second, third] = servers.map((server) => new URL(server).host) as [string, string, string];
    await nginx.configure('deploy/nginx-cluster.conf', {
      'agent-1:8000 resolve': first,
      'agent-2:8000 resolve': second,
      'agent-3:8000 resolve': third,
      '/dev/stdout': nginx.accessLog,
      'listen 8080;': `listen 127.0.0.1:${port};`,
    });
    await nginx.run(port);
    return nginx;
  }

  get url(): string {
    return `https://localhost:${this.httpsPort}`;
  }

  /** The file of its self-signed certificate. */
  get certificate(): string {
    return path.join(this.folder, 'certificate.pem');
  }

  log(): Promise<string> {
    return readFile(this.accessLog, 'utf8');
  }

  private get accessLog(): string {
    return path.join(this.folder, 'access.log');
  }

  /** Ends it with all its connections, and starts it again on the same ports. */
  async restart(): Promise<void> {
    await this.end();
    await this.run(this.httpsPort);
  }

  async stop(): Promise<void> {
    await this.end();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Writes the configuration with some texts replaced. */
  private async configure(file: string, replacements: Record<string, string>): Promise<void> {
    const example = await readFile(path.join(ROOT, file), 'utf8');
    const replaced = Object.entries(replacements).reduce((text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`${file} has no "${from}"`);
      return text.replaceAll(from, to);
    }, example);
    await writeFile(path.join(this.folder, 'site.conf'), replaced);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    for (const name of temporary) await mkdir(path.join(this.folder, name));
    const main = [
      ...(process.getuid?.() === 0 ? ['user root;'] : []),
      'daemon off;',
      'error_log stderr;',
      `pid ${path.join(this.folder, 'pid')};`,
      'events {}',
      'http {',
      ...temporary.map((name) => `  ${name}_temp_path ${path.join(this.folder, name)};`),
      '  access_log off;',
      `  include ${path.join(this.folder, 'site.conf')};`,
      '}',
    ];
    await writeFile(path.join(this.folder, 'nginx.conf'), main.join('\n'));
  }

  private async run(port: number): Promise<void> {
    const child = spawn(PROGRAM ?? '', ['-p', this.folder, '-e', 'stderr', '-c', 'nginx.conf'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.child = child;
    child.stderr.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`nginx ended: ${this.output}`);
      return accepts(port);
    }, 'nginx listens');
  }

  private async end(): Promise<void> {
    if (this.child?.exitCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
