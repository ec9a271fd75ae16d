import { once } from 'node:events';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../../../../errors/index.js';
import type { BackendLog } from './backend-log.js';
import { BackendProcess, type ProcessOptions, UnrunnableError } from './backend-process.js';
import type { RunRecords } from './run-records.js';

/** Timeout of one health check (ms). */
const HEALTH_TIMEOUT_MS = 1_000;

/** How to start a back end and check its health. */
export interface BackendPlan {
  name: string;
  revision: string;
  /** Process options for a port. */
  program: (port: number) => ProcessOptions;
  health: { path: string; timeout_seconds: number; interval_seconds: number };
}

/** One run of a back end, from start to exit. */
export class BackendRun {
  /** Why it ended; null if it was stopped. */
  detail: string | null = null;
  port: number | null = null;
  /** Resolves when it is ready or has ended. */
  readonly started: Promise<void>;
  private phase: 'starting' | 'ready' | 'ended' = 'starting';
  private program: BackendProcess | undefined;
  private readonly over = new AbortController();
  private readonly listeners = new Set<() => void>();
  private end: Promise<void> | undefined;

  constructor(
    private readonly plan: BackendPlan,
    private readonly log: BackendLog,
    private readonly runRecords: RunRecords,
  ) {
    this.started = this.startProcess();
  }

  get revision(): string {
    return this.plan.revision;
  }

  get state(): 'starting' | 'ready' | 'ended' {
    return this.phase;
  }

  get pid(): number | null {
    return this.program?.pid ?? null;
  }

  /** Performs a health check. */
  isHealthy(): Promise<boolean> {
    return isHealthy(this.port ?? 0, this.plan.health.path);
  }

  /** Calls the listener when it ends. Returns a function that removes the listener. */
  onEnd(listener: () => void): () => void {
    if (this.phase === 'ended') listener();
    else this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Stops it. Resolves when no process is left. */
  async stop(): Promise<void> {
    await this.finish(null);
    // The process may be starting.
    await this.started;
  }

  private async startProcess(): Promise<void> {
    try {
      this.port = await freePort();
      if (this.isOver()) return;
      const program = await BackendProcess.start(this.plan.program(this.port), this.log);
      this.program = program;
      // It may have been stopped before the process existed.
      if (this.isOver()) return await program.stop();
      program.onExit(() => this.onExit(program));
      await this.runRecords.add(this.plan.name, program.pid, program.mark);
      await this.untilHealthy();
    } catch (error) {
      const isForeseen = error instanceof UnrunnableError;
      await this.finish(isForeseen ? error.message : `backend could not be started: ${errorMessage(error)}`);
    }
  }

  private async untilHealthy(): Promise<void> {
    const { path, timeout_seconds, interval_seconds } = this.plan.health;
    const deadline = performance.now() + timeout_seconds * 1_000;
    while (!this.isOver()) {
      if (await isHealthy(this.port ?? 0, path, this.over.signal)) {
        if (!this.isOver()) this.phase = 'ready';
        return;
      }
      const left = deadline - performance.now();
      if (left <= 0) return this.finish('backend health check timed out');
      await sleep(Math.min(interval_seconds * 1_000, left), undefined, this.over).catch(() => undefined);
    }
    await this.end;
  }

  private onExit(program: BackendProcess): void {
    const who = this.phase === 'ready' ? 'Backend' : 'backend';
    void this.finish(`${who} exited with code ${program.exitCode}`);
  }

  /** Only the first call sets the reason. */
  private finish(detail: string | null): Promise<void> {
    this.end ??= this.endOnce(detail);
    return this.end;
  }

  private async endOnce(detail: string | null): Promise<void> {
    this.detail = detail;
    this.phase = 'ended';
    this.over.abort();
    for (const listener of this.listeners) listener();
    this.listeners.clear();
    const { program } = this;
    if (!program) return;
    await program.stop();
    await this.runRecords.remove(program.pid);
  }

  /** A method, because the value may change during an await. */
  private isOver(): boolean {
    return this.over.signal.aborted;
  }
}

/** A free port of the loopback address. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port is free');
  return address.port;
}

/** Whether a health check on a local port answers with 2xx. */
function isHealthy(port: number, path: string, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const limit = AbortSignal.timeout(HEALTH_TIMEOUT_MS);
    const ends = signal ? AbortSignal.any([signal, limit]) : limit;
    const request = get({ host: '127.0.0.1', port, path, signal: ends, agent: false }, (response) => {
      const { statusCode = 0 } = response;
      response.destroy();
      resolve(statusCode >= 200 && statusCode < 300);
    });
    request.on('error', () => resolve(false));
  });
}
