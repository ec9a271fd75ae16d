import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually, ServerProcess, type ServerOptions } from './server-process.js';

const CLOCK = fileURLToPath(new URL('adjustable-clock.mjs', import.meta.url));
const BASE = '/api/automation/v1';

/** An automation, as far as tests look at it. */
export interface SeenAutomation {
  id: string;
  name: string;
  enabled: boolean;
  disabled_reason: string | null;
  next_run_at: string | null;
  [field: string]: unknown;
}

/** A run, as far as tests look at it. */
export interface SeenRun {
  id: string;
  status: string;
  error_detail: string | null;
  status_detail: { kind: string } | null;
  conversation_id: string | null;
  scheduled_at: string | null;
  attempt: number;
  started_at: string | null;
  [field: string]: unknown;
}

/** The automations of a server whose clock a test sets. */
export class Automations {
  constructor(
    readonly server: ServerProcess,
    private readonly headers: Record<string, string> = {},
  ) {}

  /** Starts a server that goes by the clock of `setClock`, and that asks a scripted model. */
  static async start(folder: string, options: ServerOptions = {}): Promise<Automations> {
    const env = { CLOCK_FILE: clockOf(folder), NODE_OPTIONS: `--import=${CLOCK}`, ...options.env };
    const server = await ServerProcess.start({ cwd: folder, ...options, env });
    await server.request('PATCH', '/api/settings', {
      agent_settings_diff: { llm: { model: 'scripted/demo' } },
    });
    return new Automations(server);
  }

  /** As somebody else. */
  as(headers: Record<string, string>): Automations {
    return new Automations(this.server, headers);
  }

  ask(method: string, route: string, body?: unknown) {
    return this.server.request(method, `${BASE}${route}`, body, this.headers);
  }

  async create(prompt: string, more: Record<string, unknown> = {}): Promise<SeenAutomation> {
    const request = { name: 'Test', prompt, trigger: { type: 'manual' }, ...more };
    const { status, body } = await this.ask('POST', '/preset/prompt', request);
    if (status !== 201) throw new Error(`the creation answered ${status}: ${JSON.stringify(body)}`);
    return body as SeenAutomation;
  }

  async get(id: string): Promise<SeenAutomation> {
    return (await this.ask('GET', `/${id}`)).body as SeenAutomation;
  }

  async dispatch(id: string): Promise<SeenRun> {
    return (await this.ask('POST', `/${id}/dispatch`)).body as SeenRun;
  }

  /** The newest first. */
  async runs(id: string): Promise<SeenRun[]> {
    return ((await this.ask('GET', `/${id}/runs`)).body as { runs: SeenRun[] }).runs;
  }

  async run(id: string, runId: string): Promise<SeenRun> {
    const found = (await this.runs(id)).find((run) => run.id === runId);
    if (!found) throw new Error(`run ${runId} does not exist`);
    return found;
  }

  /** Waits until so many runs exist and none is open. */
  async settled(id: string, count: number): Promise<SeenRun[]> {
    const isSettled = async (): Promise<boolean> => {
      const runs = await this.runs(id);
      return runs.length >= count && runs.every(({ status }) => !['PENDING', 'RUNNING'].includes(status));
    };
    await eventually(isSettled, `${count} runs that are over`);
    return this.runs(id);
  }

  /** Waits until the agent of the newest run works. */
  async working(id: string): Promise<SeenRun> {
    await eventually(
      async () => (await this.runs(id))[0]?.['phase_code'] === 'running_agent',
      'a run at work',
    );
    const [run] = await this.runs(id);
    if (!run) throw new Error('no run is there');
    return run;
  }
}

/** Sets the clock of the servers of a folder, as on one machine. @param offMs what it differs by */
export async function setClock(folder: string, offMs: number): Promise<void> {
  // At once: a server must not read an empty file.
  const next = `${clockOf(folder)}.next`;
  await writeFile(next, String(offMs));
  await rename(next, clockOf(folder));
}

function clockOf(folder: string): string {
  return path.join(folder, 'clock');
}
