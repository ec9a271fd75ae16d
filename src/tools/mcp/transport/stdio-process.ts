import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { turnToStart } from '../../../flow/index.js';
import { shellEnvironment, endGroup, killGroup } from '../../../processes/index.js';
import type { Confinement } from '../../../sandbox/index.js';
import { MessageBound } from './message-bound.js';

/** A program that speaks MCP on stdin and stdout. */
interface StdioProgram {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Absolute path. */
  cwd: string;
  confinement: Confinement;
}

/** How long to wait for remaining output after the program has exited (ms). */
const DRAIN_MS = 300;
const CLOSED = 'Connection closed';

/**
 * A transport that starts a program. The program gets its own process group, because package runners start
 * the actual server as a child and all of them must be ended.
 */
export class StdioProcess implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  private child: ChildProcess | undefined;
  private isClosed = false;

  /** @param onStderr receives the program's stderr in chunks */
  constructor(
    private readonly program: StdioProgram,
    private readonly onStderr: (text: string) => void,
  ) {}

  /** @throws if the program cannot be started */
  async start(): Promise<void> {
    const { ReadBuffer } = await import('@modelcontextprotocol/sdk/shared/stdio.js');
    const { command, args, env, cwd, confinement } = this.program;
    await turnToStart();
    if (this.isClosed) throw new Error('Connection closed');
    const start = confinement.program({ file: command, args, cwd, env: shellEnvironment(env) });
    const child = spawn(start.file, start.args, {
      cwd: start.cwd,
      env: start.env,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child = child;
    const buffer = new ReadBuffer();
    const bound = new MessageBound('lines');
    child.stdout.on('data', (chunk: Buffer) => this.receive(buffer, bound, chunk));
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', this.onStderr);
    child.stdin.on('error', (error) => this.onerror?.(error));
    child.once('exit', () => this.onExit(child));
    await once(child, 'spawn');
    child.on('error', (error) => this.onerror?.(error));
  }

  send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.child?.stdin;
    if (!stdin?.writable) return Promise.reject(new Error(CLOSED));
    return new Promise((resolve, reject) => {
      // If the program has just exited, the write may succeed or fail, depending on the timing.
      const written = (error?: Error | null): void =>
        error ? reject(new Error(CLOSED, { cause: error })) : resolve();
      stdin.write(`${JSON.stringify(message)}\n`, written);
    });
  }

  /** Ends the program and its process group: closes stdin, then SIGTERM, then SIGKILL. */
  async close(): Promise<void> {
    this.isClosed = true;
    if (this.child) await endGroup(this.child);
  }

  /** Reads the remaining output before reporting the close, unless another process keeps it open. */
  private onExit(child: ChildProcess): void {
    killGroup(child, 'SIGKILL');
    const limit = setTimeout(() => this.onclose?.(), DRAIN_MS);
    child.once('close', () => {
      clearTimeout(limit);
      this.onclose?.();
    });
  }

  private receive(
    buffer: { append(chunk: Buffer): void; readMessage(): JSONRPCMessage | null },
    bound: MessageBound,
    chunk: Buffer,
  ): void {
    try {
      bound.check(chunk);
      buffer.append(chunk);
    } catch (error) {
      // The start of the next message cannot be found.
      this.fail(error);
      if (this.child) killGroup(this.child, 'SIGKILL');
      return;
    }
    for (let more = true; more;) {
      try {
        const message = buffer.readMessage();
        more = message !== null;
        if (message) this.onmessage?.(message);
      } catch (error) {
        // The program printed a line that is not a message.
        this.fail(error);
      }
    }
  }

  private fail(error: unknown): void {
    this.onerror?.(error instanceof Error ? error : new Error(String(error)));
  }
}
