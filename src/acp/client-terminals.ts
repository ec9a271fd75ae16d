import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type {
  CreateTerminalRequest,
  TerminalExitStatus,
  TerminalOutputResponse,
} from '@agentclientprotocol/sdk';
import { errorMessage } from '../errors/index.js';
import { settlesWithin } from '../flow/index.js';
import { shellEnvironment, endGroup } from '../processes/index.js';
import { ClientRefusal, NOT_FOUND } from './acp-error.js';

/** Terminals that one agent may have at a time. */
const MAX_TERMINALS = 32;
/** The most output that is kept of one (bytes), also for an agent that wants more. */
const MAX_OUTPUT = 1024 * 1024;
/** So many chunks of an output wait to be joined. */
const MAX_CHUNKS = 4096;
/** How long outputs may stay open behind the end of a command (ms). */
const DRAIN_MS = 300;

/** The last bytes of an output. */
class OutputTail {
  private chunks: Buffer[] = [];
  private length = 0;
  private cut = false;

  constructor(private readonly limit: number) {}

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.length += chunk.length;
    // Joined when as much has come again, not for each chunk: a command may print byte by byte.
    if (this.length > 2 * this.limit || this.chunks.length > MAX_CHUNKS) this.join();
  }

  read(): { output: string; truncated: boolean } {
    return { output: this.join().toString('utf8'), truncated: this.cut };
  }

  /** What is kept, as one piece. */
  private join(): Buffer {
    const all = Buffer.concat(this.chunks);
    let start = Math.max(0, all.length - this.limit);
    if (start > 0) this.cut = true;
    // Not in the middle of a character.
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
  /** Resolves when its command has ended and all output is there. */
  exit: Promise<TerminalExitStatus>;
  status?: TerminalExitStatus;
}

/** Its last output is waited for, unless something else keeps it open. */
async function ended(child: ChildProcess): Promise<TerminalExitStatus> {
  const closed = once(child, 'close');
  closed.catch(() => undefined);
  await once(child, 'exit');
  await settlesWithin(closed, DRAIN_MS);
  return { exitCode: child.exitCode, signal: child.signalCode };
}

/** Commands in the workspace, for an agent that has the server run them. */
export class ClientTerminals {
  private readonly all = new Map<string, Terminal>();
  /** Those that are being started. */
  private starting = 0;
  private closed = false;

  constructor(
    /** Absolute path of the workspace. */
    private readonly root: string,
    /** What commands find in their environment besides what all children of the server do. */
    private readonly env: Readonly<Record<string, string>>,
    /** The path if it lies in the workspace. @throws ClientRefusal */
    private readonly inside: (path: string) => Promise<string>,
  ) {}

  /**
   * Starts a command. One that is given without arguments may be a line for a shell. @throws ClientRefusal
   */
  async create(request: CreateTerminalRequest): Promise<{ terminalId: string }> {
    if (this.all.size + this.starting >= MAX_TERMINALS) {
      throw new ClientRefusal(`There are ${MAX_TERMINALS} terminals: release some first`);
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
    const folder = typeof cwd === 'string' ? await this.inside(cwd) : this.root;
    const [program, rest] = args.length > 0 ? [command, args] : ['/bin/sh', ['-c', command]];
    const child = spawn(program, rest, {
      cwd: folder,
      env: shellEnvironment({ ...this.env, ...given }),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = new OutputTail(Math.min(outputByteLimit ?? MAX_OUTPUT, MAX_OUTPUT));
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    const exit = ended(child);
    exit.catch(() => undefined);
    try {
      await once(child, 'spawn');
    } catch (error) {
      throw new ClientRefusal(`The command cannot be started: ${errorMessage(error)}`);
    }
    child.on('error', () => undefined);
    if (this.closed) {
      await endGroup(child);
      throw new ClientRefusal('The agent is being ended');
    }
    const terminal: Terminal = { child, output, exit };
    exit.then(
      (status) => (terminal.status = status),
      () => undefined,
    );
    const terminalId = randomUUID();
    this.all.set(terminalId, terminal);
    return { terminalId };
  }

  /** @throws ClientRefusal */
  output(id: string): TerminalOutputResponse {
    const { output, status } = this.find(id);
    return { ...output.read(), ...(status && { exitStatus: status }) };
  }

  /** @throws ClientRefusal */
  waitForExit(id: string): Promise<TerminalExitStatus> {
    return this.find(id).exit;
  }

  /** Ends the command; its output can still be read. @throws ClientRefusal */
  async kill(id: string): Promise<void> {
    await endGroup(this.find(id).child);
  }

  /** Ends the command and forgets the terminal. @throws ClientRefusal */
  async release(id: string): Promise<void> {
    const { child } = this.find(id);
    this.all.delete(id);
    await endGroup(child);
  }

  async close(): Promise<void> {
    this.closed = true;
    const children = [...this.all.values()].map(({ child }) => child);
    this.all.clear();
    await Promise.all(children.map((child) => endGroup(child)));
  }

  private find(id: string): Terminal {
    const terminal = this.all.get(id);
    if (!terminal) throw new ClientRefusal(`There is no terminal ${id}`, NOT_FOUND);
    return terminal;
  }
}
