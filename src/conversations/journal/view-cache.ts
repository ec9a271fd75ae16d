import { AgentView, isBranchEvent, type BranchEvent } from '../../agent/index.js';
import type { EventLog, LogReader } from '../../storage/index.js';
import { branchPath, systemPromptSeq } from '../branches/branch-path.js';
import { tracedRead } from '../tracing/storage-spans.js';
import type { LogWriter } from './log-writer.js';
import { parseWithYield } from './parse-event.js';

/** How many events are read at a time. */
const CHUNK = 200;

/** The view of one conversation: read from the log when it is first needed, then kept up to date. */
export class ViewCache {
  private view: AgentView | undefined;
  private loading: Promise<AgentView> | undefined;

  constructor(
    private readonly log: EventLog,
    private readonly writer: LogWriter,
    private readonly head: () => string | null,
  ) {}

  /** The view; undefined before it was loaded. */
  get loaded(): AgentView | undefined {
    return this.view;
  }

  /** The view. @throws Error before it was loaded */
  get current(): AgentView {
    if (!this.view) throw new Error('the view is not loaded');
    return this.view;
  }

  /** Adds the new head. */
  push(event: BranchEvent): void {
    this.view?.push(event);
  }

  /** Discards the view: the head was moved. */
  drop(): void {
    this.view = undefined;
  }

  load(): Promise<AgentView> {
    if (this.view) return Promise.resolve(this.view);
    this.loading ??= tracedRead('read_view', () => this.read()).finally(() => (this.loading = undefined));
    return this.loading;
  }

  private async read(): Promise<AgentView> {
    // Repeated if events were appended or the head was moved while the log was read.
    for (;;) {
      await this.writer.settled();
      const { length } = this.writer;
      const head = this.head();
      const view = await readView(this.log, length, head);
      if (this.writer.submitted === length && this.head() === head) return (this.view = view);
    }
  }
}

/**
 * The view of a branch. One that begins at a new root gets the system prompt of the conversation in front.
 */
export async function readView(log: LogReader, end: number, head: string | null): Promise<AgentView> {
  const path = await branchPath(log, end, head);
  const prompt = await systemPromptSeq(log, end);
  if (prompt !== undefined && !path.includes(prompt)) path.unshift(prompt);
  const view = new AgentView();
  for (let at = 0; at < path.length; at += CHUNK) {
    for (const line of await log.readMany(path.slice(at, at + CHUNK))) {
      const event = await parseWithYield(line);
      if (event && isBranchEvent(event)) view.push(event);
    }
  }
  return view;
}
