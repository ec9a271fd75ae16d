import { randomBytes } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Injectable,
  Logger,
  ServiceUnavailableException,
  type BeforeApplicationShutdown,
} from '@nestjs/common';
import { isLoopbackOnly } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { KnownSecrets } from '../../crypto/index.js';
import { errorMessage } from '../../errors/index.js';
import { makeTemporaryFolder } from '../../files/index.js';
import { shellEnvironment, endGroup, hasEnded } from '../../processes/index.js';
import { withoutTrailingSlashes } from '../../text/index.js';

/** The program inside of the configured folder. */
const PROGRAM = path.join('bin', 'openvscode-server');
/** How long it may take until it listens (ms), and how often that is looked at. */
const START_MS = 30_000;
const LOOK_MS = 50;
/** One that did not start is not tried again sooner (ms). */
const RETRY_MS = 5_000;

/** Whether the editor runs, and whether it is allowed to; field names are the wire's. */
export interface EditorStatus {
  running: boolean;
  enabled: boolean;
  message?: string;
}

const DISABLED = 'VSCode is disabled in configuration';

/**
 * The editor in the browser: OpenVSCode Server, where it is installed. It is started when somebody asks for
 * its address, and ends with this server. Who knows the token may use it; each start has another one.
 */
@Injectable()
export class Editor implements BeforeApplicationShutdown {
  private readonly logger = new Logger('VSCode');
  private readonly token = randomBytes(24).toString('base64url');
  private readonly closing = new AbortController();
  private child: ChildProcess | undefined;
  private starting: Promise<boolean> | undefined;
  private failedAt = -Infinity;

  constructor(
    private readonly config: AppConfig,
    known: KnownSecrets,
  ) {
    known.add([this.token]);
  }

  /** Starts nothing. */
  get status(): EditorStatus {
    if (!this.config.enable_vscode) return { running: false, enabled: false, message: DISABLED };
    return { running: this.isRunning && this.starting === undefined, enabled: true };
  }

  /**
   * Where the editor shows a folder, started if need be; null where there is none.
   * @param baseUrl address that it is reached under; without one it is on this machine
   * @throws ServiceUnavailableException where it is switched off
   */
  async url(baseUrl: string | null, folder: string): Promise<string | null> {
    if (!this.config.enable_vscode)
      throw new ServiceUnavailableException(`${DISABLED}. Set enable_vscode=true to enable.`);
    this.starting ??= this.started().finally(() => (this.starting = undefined));
    if (!(await this.starting)) return null;
    const { vscode_port: port, vscode_base_path } = this.config;
    const base = withoutTrailingSlashes(baseUrl ?? `http://localhost:${port}`);
    const below = withoutTrailingSlashes((vscode_base_path ?? '').replace(/^\/+/, ''));
    const shown = encodeURIComponent(folder.toWellFormed()).replaceAll('%2F', '/');
    return `${base}${below && `/${below}`}/?tkn=${this.token}&folder=${shown}`;
  }

  /** Ends the editor. */
  async beforeApplicationShutdown(): Promise<void> {
    this.closing.abort(new Error('The server stops'));
    await this.starting;
    if (this.child) await endGroup(this.child);
  }

  private get isRunning(): boolean {
    return this.child !== undefined && !hasEnded(this.child);
  }

  private async started(): Promise<boolean> {
    if (this.isRunning) return true;
    const program = path.join(path.resolve(this.config.base_dir, this.config.vscode_path), PROGRAM);
    const isThere = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (!isThere || this.closing.signal.aborted || performance.now() - this.failedAt < RETRY_MS) return false;
    try {
      await this.start(program);
      return true;
    } catch (error) {
      this.failedAt = performance.now();
      this.logger.warn(`the editor does not start: ${errorMessage(error)}`);
      return false;
    }
  }

  private async start(program: string): Promise<void> {
    const { vscode_port: port, vscode_base_path, base_dir, listen } = this.config;
    // Where this server serves its own machine only, so does the editor.
    const host = isLoopbackOnly(this.config) ? '127.0.0.1' : listen.host;
    await assertFree(port, host);
    // In a file: arguments of a program can be seen by everybody on the machine.
    const folder = await makeTemporaryFolder('editor');
    const file = path.join(folder, 'token');
    await writeFile(file, this.token, { mode: 0o600 });
    const below = vscode_base_path === null ? [] : ['--server-base-path', vscode_base_path];
    const address = ['--host', host, '--port', String(port), ...below];
    const child = spawn(program, [...address, '--connection-token-file', file, '--disable-workspace-trust'], {
      cwd: base_dir,
      env: shellEnvironment(),
      detached: true,
      stdio: 'ignore',
    });
    this.child = child;
    try {
      await once(child, 'spawn');
      child.on('error', (error) => this.logger.warn(`the editor: ${error.message}`));
      await listening(
        child,
        { port, host: localName(host) },
        AbortSignal.any([this.closing.signal, AbortSignal.timeout(START_MS)]),
      );
      this.logger.log(`the editor listens on port ${port}`);
    } catch (error) {
      await endGroup(child);
      throw error;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** Another program there would be taken for the editor, and be given its token. */
async function assertFree(port: number, host: string): Promise<void> {
  const probe = createServer().listen(port, host);
  await once(probe, 'listening');
  probe.close();
  await once(probe, 'close');
}

/** Under which name this machine reaches what listens there. */
function localName(host: string): string {
  if (host === '::') return '::1';
  return host === '0.0.0.0' ? '127.0.0.1' : host;
}

interface Place {
  port: number;
  host: string;
}

async function listening(child: ChildProcess, place: Place, signal: AbortSignal): Promise<void> {
  while (!(await accepts(place))) {
    if (hasEnded(child)) throw new Error(`it ended with ${child.exitCode ?? child.signalCode ?? 'nothing'}`);
    await sleep(LOOK_MS, undefined, { signal });
  }
}

async function accepts(place: Place): Promise<boolean> {
  const socket = connect(place);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
