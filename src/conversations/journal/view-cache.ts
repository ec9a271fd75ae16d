import { AgentView, isBranchEvent, type BranchEvent } from '../../agent/agent-view.js';
import type { EventLog } from '../../storage/index.js';
import { branchPath, systemPromptSeq } from '../branches/branch-path.js';
import type { LogWriter } from './log-writer.js';
import { parseWithYield } from './parse-event.js';

/** Events read at a time while a view is built. */
const CHUNK = 200;

/**
 * What the agent sees of one conversation: read from the log when it is first needed, kept up to date from
 * then on.
 */
export class ViewCache {
  private view: AgentView | undefined;
  private loading: Promise<AgentView> | undefined;

  constructor(
    private readonly log: EventLog,
    private readonly writer: LogWriter,
    private readonly head: () => string | null,
  ) {}

  /** The view if it was loaded already. */
  get loaded(): AgentView | undefined {
    return this.view;
  }

  /** The view, once it was loaded. @throws Error before that */
  get current(): AgentView {
    if (!this.view) throw new Error('the view is not loaded');
    return this.view;
  }

  /** Takes in the new head. */
  push(event: BranchEvent): void {
    this.view?.push(event);
  }

  /** The head was moved: the view is another one. */
  drop(): void {
    this.view = undefined;
  }

  load(): Promise<AgentView> {
    if (this.view) return Promise.resolve(this.view);
    this.loading ??= this.read().finally(() => (this.loading = undefined));
    return this.loading;
  }

  private async read(): Promise<AgentView> {
    // Events may be appended and the head may be moved while the log is read: read until nothing came in
    // between.
    for (;;) {
      await this.writer.settled();
      const { length } = this.writer;
      const head = this.head();
      const view = await readView(this.log, length, head);
      if (this.writer.handedIn === length && this.head() === head) return (this.view = view);
    }
  }
}

/**
 * A branch that was begun anew has no system prompt of its own: that of the conversation stands before it.
 */
async function readView(log: EventLog, end: number, head: string | null): Promise<AgentView> {
  const path = await branchPath(log, end, head);
  const prompt = systemPromptSeq(log, end);
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
