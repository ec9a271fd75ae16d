import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { turnToStart } from '../../flow/index.js';
import { shellEnvironment, endGroup, killGroup } from '../../processes/index.js';
import { MessageBound } from './message-bound.js';

/** A program that speaks MCP on its standard input and output. */
export interface StdioProgram {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Absolute path. */
  cwd: string;
}

/** How long its outputs may stay open behind its end (ms). */
const DRAIN_MS = 300;
/** The program has ended. */
const CLOSED = 'Connection closed';

/**
 * The transport to a program that is started for it, in a process group of its own: package runners start the
 * real server as their child, and all of them are to end.
 */
export class StdioProcess implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  private child: ChildProcess | undefined;
  private isClosed = false;

  /** @param onStderr gets what the program says to people, piece by piece */
  constructor(
    private readonly program: StdioProgram,
    private readonly onStderr: (text: string) => void,
  ) {}

  /** @throws when the program cannot be started */
  async start(): Promise<void> {
    const { ReadBuffer } = await import('@modelcontextprotocol/sdk/shared/stdio.js');
    const { command, args, env, cwd } = this.program;
    await turnToStart();
    if (this.isClosed) throw new Error('Connection closed');
    const child = spawn(command, args, {
      cwd,
      env: shellEnvironment(env),
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child = child;
    const buffer = new ReadBuffer();
    const bound = new MessageBound('lines');
    child.stdout.on('data', (chunk: Buffer) => this.read(buffer, bound, chunk));
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', this.onStderr);
    child.stdin.on('error', (error) => this.onerror?.(error));
    child.once('exit', () => this.ended(child));
    await once(child, 'spawn');
    child.on('error', (error) => this.onerror?.(error));
  }

  send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.child?.stdin;
    if (!stdin?.writable) return Promise.reject(new Error(CLOSED));
    return new Promise((resolve, reject) => {
      // A program that has just ended: which of the two it is depends on when its end is seen.
      const written = (error?: Error | null): void =>
        error ? reject(new Error(CLOSED, { cause: error })) : resolve();
      stdin.write(`${JSON.stringify(message)}\n`, written);
    });
  }

  /**
   * Ends the program: by closing its input, then by asking, then by force. Resolves when nothing of it is
   * left.
   */
  async close(): Promise<void> {
    this.isClosed = true;
    if (this.child) await endGroup(this.child);
  }

  /** Its last words are read before it counts as closed, unless something keeps its outputs open. */
  private ended(child: ChildProcess): void {
    killGroup(child, 'SIGKILL');
    const limit = setTimeout(() => this.onclose?.(), DRAIN_MS);
    child.once('close', () => {
      clearTimeout(limit);
      this.onclose?.();
    });
  }

  private read(
    buffer: { append(chunk: Buffer): void; readMessage(): JSONRPCMessage | null },
    bound: MessageBound,
    chunk: Buffer,
  ): void {
    try {
      bound.take(chunk);
      buffer.append(chunk);
    } catch (error) {
      // There is no way to find the next message.
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
        // A line that is no message, from a program that prints other things too.
        this.fail(error);
      }
    }
  }

  private fail(error: unknown): void {
    this.onerror?.(error instanceof Error ? error : new Error(String(error)));
  }
}
