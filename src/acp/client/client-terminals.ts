import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type {
  CreateTerminalRequest,
  TerminalExitStatus,
  TerminalOutputResponse,
} from '@agentclientprotocol/sdk';
import { errorMessage } from '../../errors/index.js';
import { settlesWithin } from '../../flow/index.js';
import { shellEnvironment, endGroup } from '../../processes/index.js';
import type { Confinement, ProgramStart } from '../../sandbox/index.js';
import { ClientRequestError, NOT_FOUND } from '../acp-error.js';

/** Most terminals of one agent. */
const MAX_TERMINALS = 32;
/** Most output kept of a command (bytes); agents can only request less. */
const MAX_OUTPUT = 1024 * 1024;
/** Most chunks before they are joined. */
const MAX_CHUNKS = 4096;
/** How long outputs may stay open after a command ended (ms). */
const DRAIN_TIMEOUT_MS = 300;

/** Keeps the last bytes of an output. */
class OutputTail {
  private chunks: Buffer[] = [];
  private length = 0;
  private isTruncated = false;

  constructor(private readonly limit: number) {}

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.length += chunk.length;
    // Joined only when the size has doubled: a command may print byte by byte.
    if (this.length > 2 * this.limit || this.chunks.length > MAX_CHUNKS) this.join();
  }

  read(): { output: string; truncated: boolean } {
    return { output: this.join().toString('utf8'), truncated: this.isTruncated };
  }

  /** Joins the chunks and drops what exceeds the limit. */
  private join(): Buffer {
    const all = Buffer.concat(this.chunks);
    let start = Math.max(0, all.length - this.limit);
    if (start > 0) this.isTruncated = true;
    // Do not start within a UTF-8 character.
    while (start > 0 && start < all.length && ((all[start] ?? 0) & 0xc0) === 0x80) start += 1;
    const kept = all.subarray(start);
    this.chunks = [kept];
    this.length = kept.length;
    return kept;
  }
}

interface Terminal {
  child: ChildProcess;
  output: OutputTail;
  /** Resolves when the command has ended and its output is read. */
  exit: Promise<TerminalExitStatus>;
  status?: TerminalExitStatus;
}

/** Waits for the last output, unless another process holds it open. */
async function waitForExit(child: ChildProcess): Promise<TerminalExitStatus> {
  const closed = once(child, 'close');
  closed.catch(() => undefined);
  await once(child, 'exit');
  await settlesWithin(closed, DRAIN_TIMEOUT_MS);
  return { exitCode: child.exitCode, signal: child.signalCode };
}

/** Terminals for agents: commands that the server runs in the workspace. */
export class ClientTerminals {
  private readonly terminals = new Map<string, Terminal>();
  /** Number of terminals that are being started. */
  private starting = 0;
  private closed = false;

  constructor(
    /** Absolute path of the workspace. */
    private readonly root: string,
    /** Environment of the commands, in addition to that of all child processes. */
    private readonly env: Readonly<Record<string, string>>,
    /** Resolves a path in the workspace. @throws ClientRequestError */
    private readonly resolveInside: (path: string) => Promise<string>,
    private readonly confinement: Confinement,
  ) {}

  /**
   * Starts a command. Without arguments it is run by a shell.
   * @throws ClientRequestError
   */
  async create(request: CreateTerminalRequest): Promise<{ terminalId: string }> {
    if (this.terminals.size + this.starting >= MAX_TERMINALS) {
      throw new ClientRequestError(`The limit of ${MAX_TERMINALS} terminals is reached: release some first`);
    }
    this.starting += 1;
    try {
      return await this.start(request);
    } finally {
      this.starting -= 1;
    }
  }

  private async start(request: CreateTerminalRequest): Promise<{ terminalId: string }> {
    const { command, args = [], env = [], cwd, outputByteLimit } = request;
    const given = Object.fromEntries(env.map(({ name, value }) => [name, value]));
    const folder = typeof cwd === 'string' ? await this.resolveInside(cwd) : this.root;
    const [program, rest] = args.length > 0 ? [command, args] : ['/bin/sh', ['-c', command]];
    const started = this.confined({
      file: program,
      args: rest,
      cwd: folder,
      env: shellEnvironment({ ...this.env, ...given }),
    });
    const child = spawn(started.file, started.args, {
      cwd: started.cwd,
      env: started.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = new OutputTail(Math.min(outputByteLimit ?? MAX_OUTPUT, MAX_OUTPUT));
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    const exit = waitForExit(child);
    exit.catch(() => undefined);
    try {
      await once(child, 'spawn');
    } catch (error) {
      throw new ClientRequestError(`The command cannot be started: ${errorMessage(error)}`);
    }
    child.on('error', () => undefined);
    if (this.closed) {
      await endGroup(child);
      throw new ClientRequestError('The agent is shutting down');
    }
    const terminal: Terminal = { child, output, exit };
    exit.then(
      (status) => (terminal.status = status),
      () => undefined,
    );
    const terminalId = randomUUID();
    this.terminals.set(terminalId, terminal);
    return { terminalId };
  }

  /** @throws ClientRequestError */
  private confined(start: ProgramStart): ProgramStart {
    try {
      return this.confinement.program(start);
    } catch (error) {
      throw new ClientRequestError(`The command cannot be started: ${errorMessage(error)}`);
    }
  }

  /** @throws ClientRequestError */
  output(id: string): TerminalOutputResponse {
    const { output, status } = this.find(id);
    return { ...output.read(), ...(status && { exitStatus: status }) };
  }

  /** @throws ClientRequestError */
  waitForExit(id: string): Promise<TerminalExitStatus> {
    return this.find(id).exit;
  }

  /** Kills the command; its output stays readable. @throws ClientRequestError */
  async kill(id: string): Promise<void> {
    await endGroup(this.find(id).child);
  }

  /** Kills the command and removes the terminal. @throws ClientRequestError */
  async release(id: string): Promise<void> {
    const { child } = this.find(id);
    this.terminals.delete(id);
    await endGroup(child);
  }

  async close(): Promise<void> {
    this.closed = true;
    const children = [...this.terminals.values()].map(({ child }) => child);
    this.terminals.clear();
    await Promise.all(children.map((child) => endGroup(child)));
  }

  private find(id: string): Terminal {
    const terminal = this.terminals.get(id);
    if (!terminal) throw new ClientRequestError(`There is no terminal ${id}`, NOT_FOUND);
    return terminal;
  }
}
