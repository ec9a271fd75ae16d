import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What the API for creating a container is sent, as far as a container is made of it. */
interface Creation {
  Image: string;
  Env: string[];
  Cmd: string[];
  User?: string;
  Labels: Record<string, string>;
  HostConfig: {
    Mounts: { Source: string; Target: string; ReadOnly?: boolean }[];
    NetworkMode?: string;
    [field: string]: unknown;
  };
}

interface Container {
  id: string;
  name: string;
  creation: Creation;
  child: ChildProcess | undefined;
  port: number;
  output: string;
}

/** Answers a request instead of the engine. @returns false to let the engine answer */
type Interceptor = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * An HTTP server on a socket that speaks the part of the engine's API that the server uses. Its containers
 * are real servers of this build in bubblewrap, which see the folders that were asked for and little else;
 * where bubblewrap does not work it runs none, and only its answers can be tested.
 */
export class ScriptedEngine {
  readonly containers = new Map<string, Container>();
  /** Method and path of each request. */
  readonly requests: string[] = [];
  intercept: Interceptor = () => false;
  private server: Server | undefined;
  private count = 0;

  private constructor(private readonly folder: string) {}

  static async start(): Promise<ScriptedEngine> {
    const engine = new ScriptedEngine(await mkdtemp(path.join(os.tmpdir(), 'engine-')));
    await engine.listen();
    return engine;
  }

  /** Whether containers can be run. */
  static get canRun(): boolean {
    const probe = spawnSync('bwrap', [...isolated(), 'true'], { stdio: 'ignore' });
    return probe.status === 0;
  }

  get socket(): string {
    return path.join(this.folder, 'engine.sock');
  }

  /** Environment of a server that uses this engine. */
  get env(): Record<string, string> {
    return {
      OH_CONVERSATION_RUNTIME: 'docker',
      OH_CONVERSATION_ENGINE: `unix://${this.socket}`,
      OH_SECRET_KEY: 'secret-key-of-the-outer-server',
    };
  }

  async listen(): Promise<void> {
    await rm(this.socket, { force: true });
    this.server = createServer((request, response) => {
      this.requests.push(`${request.method} ${request.url}`);
      if (this.intercept(request, response)) return;
      this.answer(request, response).catch((error: unknown) => {
        if (!response.headersSent) response.writeHead(500);
        response.end(JSON.stringify({ message: String(error) }));
      });
    }).listen(this.socket);
    await once(this.server, 'listening');
  }

  /** Nobody listens any more; containers go on. */
  async leave(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    server?.closeAllConnections();
    server?.close();
    if (server) await once(server, 'close');
  }

  /** Ends a container as a crash does. */
  async kill(container: Container): Promise<void> {
    const { child } = container;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    // The processes inside end a moment after that of bubblewrap.
    await eventually(async () => !(await accepts(container.port)), 'the end of the server in the container');
  }

  async stop(): Promise<void> {
    await this.leave();
    for (const container of this.containers.values()) await this.kill(container);
    await rm(this.folder, { recursive: true, force: true });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://engine');
    const [, id = '', action = ''] = /^\/containers\/([^/]+)(?:\/(\w+))?$/.exec(url.pathname) ?? [];
    const send = (status: number, body?: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body === undefined ? '' : JSON.stringify(body));
    };
    if (request.method === 'POST' && id === 'create')
      return this.create(url.searchParams.get('name') ?? '', await bodyOf(request), send);
    if (id === 'json') return send(200, this.list(url.searchParams.get('filters') ?? '{}'));
    const container = this.find(id);
    if (!container) return send(404, { message: `No such container: ${id}` });
    switch (`${request.method} ${action}`) {
      case 'POST start':
        await this.run(container);
        return send(204);
      case 'GET json':
        return send(200, inspection(container));
      case 'GET logs':
        response.end(container.output.slice(-4_000));
        return;
      case 'POST stop':
        container.child?.kill('SIGTERM');
        if (isRunning(container) && container.child) await once(container.child, 'exit');
        return send(204);
      case 'DELETE ':
        await this.kill(container);
        this.containers.delete(container.id);
        return send(204);
      default:
        return send(404, { message: 'page not found' });
    }
  }

  private create(name: string, creation: Creation, send: (status: number, body: unknown) => void): void {
    if ([...this.containers.values()].some((container) => container.name === name))
      return send(409, { message: `Conflict. The container name "/${name}" is already in use` });
    if (creation.Image === 'missing') return send(404, { message: 'No such image: missing' });
    this.count += 1;
    const id = `${this.count}`.padStart(64, '0');
    this.containers.set(id, { id, name, creation, child: undefined, port: 0, output: '' });
    send(201, { Id: id, Warnings: [] });
  }

  private async run(container: Container): Promise<void> {
    const { Env, HostConfig } = container.creation;
    container.port = await freePort();
    const binds = HostConfig.Mounts.flatMap(({ Source, Target, ReadOnly }) => [
      ReadOnly === true ? '--ro-bind' : '--bind',
      Source,
      Target,
    ]);
    const variables = Env.flatMap((variable) => {
      const at = variable.indexOf('=');
      return ['--setenv', variable.slice(0, at), variable.slice(at + 1)];
    });
    for (const { Source } of HostConfig.Mounts) await access(Source);
    const program = [process.execPath, path.join(ROOT, 'dist/main.js')];
    const listen = ['--host', '127.0.0.1', '--port', String(container.port)];
    const child = spawn('bwrap', [...isolated(), ...binds, ...variables, ...program, ...listen], {
      env: { PATH: process.env['PATH'] ?? '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer): void => void (container.output += chunk.toString());
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    container.child = child;
  }

  private list(filters: string) {
    const { label: [wanted = ''] = [] } = JSON.parse(filters) as { label?: string[] };
    const [name = '', value = ''] = wanted.split('=');
    return [...this.containers.values()]
      .filter(({ creation }) => creation.Labels[name] === value)
      .map((container) => ({
        Id: container.id,
        Labels: container.creation.Labels,
        Names: [`/${container.name}`],
        State: isRunning(container) ? 'running' : 'exited',
      }));
  }

  private find(id: string): Container | undefined {
    return [...this.containers.values()].find((container) => container.id === id || container.name === id);
  }
}

/** A file system of its own with the system, this checkout and nothing else of the machine. */
function isolated(): string[] {
  const system = ['/usr', '/bin', '/sbin', '/lib', '/lib64', '/etc', '/opt'];
  return [
    ...['--unshare-pid', '--die-with-parent', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp'],
    ...system.flatMap((folder) => ['--ro-bind-try', folder, folder]),
    ...['--ro-bind', ROOT, ROOT],
    ...['--ro-bind', path.dirname(process.execPath), path.dirname(process.execPath)],
  ];
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function isRunning({ child }: Container): boolean {
  return child?.exitCode === null && child.signalCode === null;
}

function inspection(container: Container) {
  const { id, creation, port, child } = container;
  return {
    Id: id,
    State: { Running: isRunning(container), ExitCode: child?.exitCode ?? 137, OOMKilled: false, Error: '' },
    Config: { Labels: creation.Labels },
    NetworkSettings: {
      Ports: { '8000/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] },
      Networks: {},
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Creation> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return JSON.parse(text) as Creation;
}
