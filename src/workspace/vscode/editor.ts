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
import { Authenticator, isLoopbackOnly, type Principal } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { KnownSecrets } from '../../crypto/index.js';
import { errorMessage } from '../../errors/index.js';
import { makeTemporaryFolder } from '../../files/index.js';
import { shellEnvironment, endGroup, hasEnded } from '../../processes/index.js';
import { withoutTrailingSlashes } from '../../text/index.js';

/** The program in the configured folder. */
const PROGRAM = path.join('bin', 'openvscode-server');
/** Time limit of a start, and polling interval (ms). */
const START_MS = 30_000;
const LOOK_MS = 50;
/** Minimum time between attempts after a failed start (ms). */
const RETRY_MS = 5_000;

/** Status of the editor; the field names are part of the API. */
export interface EditorStatus {
  running: boolean;
  enabled: boolean;
  message?: string;
}

/** The answer of the status routes in the API document. */
export const EDITOR_STATUS = {
  description: 'Whether the editor is running and enabled.',
  schema: { type: 'object', additionalProperties: { anyOf: [{ type: 'boolean' }, { type: 'string' }] } },
};

const DISABLED = 'VSCode is disabled in configuration';

/**
 * Runs OpenVSCode Server, if it is installed. It is started when its address is first requested and stopped
 * with this server. Access requires a token that is new for each start of this server, and after a named key
 * has ended that was told the one before.
 */
@Injectable()
export class Editor implements BeforeApplicationShutdown {
  private readonly logger = new Logger('VSCode');
  private token = newToken();
  /** The named keys that were told the token, with what ends waiting for their end. */
  private readonly told = new Map<string, () => void>();
  private readonly closing = new AbortController();
  private child: ChildProcess | undefined;
  private starting: Promise<boolean> | undefined;
  private ending: Promise<void> | undefined;
  private failedAt = -Infinity;

  constructor(
    private readonly config: AppConfig,
    private readonly authenticator: Authenticator,
    private readonly known: KnownSecrets,
  ) {
    known.add([this.token]);
  }

  /** The status; does not start the editor. */
  get status(): EditorStatus {
    if (!this.config.enable_vscode) return { running: false, enabled: false, message: DISABLED };
    return { running: this.isRunning && this.starting === undefined, enabled: true };
  }

  /**
   * The URL at which the editor shows a folder; starts the editor if needed. Null if it is not installed or
   * does not start.
   * @param baseUrl public address of the editor; by default on this machine
   * @param principal whoever is told the token
   * @throws ServiceUnavailableException when the editor is disabled
   */
  async url(baseUrl: string | null, folder: string, principal: Principal): Promise<string | null> {
    if (!this.config.enable_vscode)
      throw new ServiceUnavailableException(`${DISABLED}. Set enable_vscode=true to enable.`);
    this.starting ??= this.started().finally(() => (this.starting = undefined));
    if (!(await this.starting)) return null;
    this.endWith(principal);
    const { vscode_port: port, vscode_base_path } = this.config;
    const base = withoutTrailingSlashes(baseUrl ?? `http://localhost:${port}`);
    const below = withoutTrailingSlashes((vscode_base_path ?? '').replace(/^\/+/, ''));
    const shown = encodeURIComponent(folder.toWellFormed()).replaceAll('%2F', '/');
    return `${base}${below && `/${below}`}/?tkn=${this.token}&folder=${shown}`;
  }

  /** Stops the editor. */
  async beforeApplicationShutdown(): Promise<void> {
    this.closing.abort(new Error('The server stops'));
    this.forgetTold();
    await this.starting;
    if (this.child) await endGroup(this.child);
  }

  /** The token must not outlive a key that was told it: the editor knows no keys. */
  private endWith(principal: Principal): void {
    if (this.told.has(principal.id)) return;
    const stop = this.authenticator.whenEnded(principal, () => this.renewToken());
    this.told.set(principal.id, stop);
  }

  private forgetTold(): void {
    for (const stop of this.told.values()) stop();
    this.told.clear();
  }

  /** Ends the editor. The next one, for whoever asks for it, has another token. */
  private renewToken(): void {
    this.forgetTold();
    this.token = newToken();
    this.known.add([this.token]);
    const { starting } = this;
    this.ending = (async () => {
      await starting;
      if (this.child) await endGroup(this.child);
    })();
    this.logger.log('a key has ended that could open the editor: it is stopped, and its token is not valid');
  }

  private get isRunning(): boolean {
    return this.child !== undefined && !hasEnded(this.child);
  }

  private async started(): Promise<boolean> {
    await this.ending;
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
    // If this server serves only this machine, so does the editor.
    const host = isLoopbackOnly(this.config) ? '127.0.0.1' : listen.host;
    await assertFree(port, host);
    // In a file: other users can see the arguments of a process.
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

function newToken(): string {
  return randomBytes(24).toString('base64url');
}

/** Another program on the port would be mistaken for the editor and receive its token. */
async function assertFree(port: number, host: string): Promise<void> {
  const probe = createServer().listen(port, host);
  await once(probe, 'listening');
  probe.close();
  await once(probe, 'close');
}

/** The address at which this machine reaches a listening host. */
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
