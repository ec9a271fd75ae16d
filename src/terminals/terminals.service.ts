import { type BeforeApplicationShutdown, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Authenticator, type Principal, SESSION } from '../auth/index.js';
import { AppConfig } from '../config/index.js';
import { ConversationsService } from '../conversations/index.js';
import {
  type ClosingConversation,
  EventBus,
  type EventSubscriber,
  type PublishedEvent,
} from '../events/index.js';
import { isFolder, makeFolder } from '../files/index.js';
import { meters } from '../meters/index.js';
import { Sandbox } from '../sandbox/index.js';
import { idOfServer, ServerDirectory } from '../storage/index.js';
import { AgentTerminals, type AnnouncedTerminal } from '../tools/index.js';
import { RuntimeScopes } from '../workspace/index.js';
import { OutputPace } from './streams/output-pace.js';
import type { EndReason } from './streams/terminal-notice.js';
import { AgentTerminal } from './terminal/agent-terminal.js';
import { PersonTerminal } from './terminal/person-terminal.js';
import type { Terminal, TerminalSize } from './terminal/terminal.js';
import {
  TerminalLimitError,
  TerminalNotFoundError,
  TerminalStartError,
  TerminalStateError,
} from './terminal-errors.js';

/** How often idle and ended terminals are looked for (ms). */
const SWEEP_MS = 1_000;
/** How long an ended terminal can be looked at (ms). */
const KEEP_ENDED_MS = 5 * 60_000;

/** A terminal to open. */
export interface TerminalRequest extends TerminalSize {
  /** Null: the folder of the conversation or of the server. */
  cwd: string | null;
  /** Null: `bash`. */
  shell: string | null;
  title: string | null;
}

/** The terminals of people on this server, and those of agents that people look at. */
@Injectable()
export class TerminalsService implements OnModuleInit, BeforeApplicationShutdown, EventSubscriber {
  private readonly logger = new Logger('Terminals');
  private readonly terminals = new Map<string, Terminal>();
  /** Terminals that are being started, by key. */
  private readonly starting: string[] = [];
  /** By terminal: the key that has opened it, and an end to watching that. */
  private readonly openers = new Map<string, { key: string; unwatch: () => void }>();
  private readonly pace = new OutputPace();
  private readonly unsubscribe: () => void;
  private sweeper: NodeJS.Timeout | undefined;
  private closing = false;

  constructor(
    private readonly config: AppConfig,
    private readonly scopes: RuntimeScopes,
    private readonly sandbox: Sandbox,
    private readonly authenticator: Authenticator,
    private readonly conversations: ConversationsService,
    private readonly servers: ServerDirectory,
    agentTerminals: AgentTerminals,
    bus: EventBus,
  ) {
    this.unsubscribe = bus.subscribe('*', this);
    agentTerminals.setListener((announced) => this.addAgent(announced));
  }

  onModuleInit(): void {
    this.sweeper = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  /** How many terminals are open, and how many viewers they have. */
  get counts(): { open: number; viewers: number } {
    const all = [...this.terminals.values()];
    return {
      open: all.filter(({ hasEnded }) => !hasEnded).length,
      viewers: all.reduce((sum, { viewerCount }) => sum + viewerCount, 0),
    };
  }

  /**
   * Opens a terminal in the sandbox of a conversation, or of the server.
   * @throws TerminalLimitError, TerminalStartError, ConversationNotFoundError, InvalidRequestError
   */
  async open(
    request: TerminalRequest,
    conversationId: string | undefined,
    principal: Principal,
  ): Promise<Terminal> {
    const release = this.takePlace(principal);
    try {
      const { folder, paths, confinement } = await this.scopes.of(conversationId);
      if (conversationId !== undefined && request.cwd !== null) await paths.assertInside(request.cwd, 'cwd');
      const cwd = request.cwd ?? folder;
      if (request.cwd === null) await makeFolder(folder);
      else if (!(await isFolder(cwd))) throw new TerminalStartError(`There is no folder ${cwd}`);
      const terminal = await PersonTerminal.start({
        facts: {
          id: idOfServer(this.servers.selfId),
          conversationId: conversationId ?? null,
          agent: false,
          title: request.title,
          shell: request.shell ?? 'bash',
          cwd,
          createdBy: principal.name,
        },
        size: { rows: request.rows, cols: request.cols },
        // Not the confinement of the bash routes, whose daemons may outlive the server.
        confinement: this.sandbox.confine({ ...confinement, workspace: folder }),
        scrollbackBytes: this.config.terminals.scrollback_bytes,
        pace: this.pace,
      });
      this.add(terminal, principal);
      meters.terminalsOpened.add();
      return terminal;
    } finally {
      release();
    }
  }

  /** @param conversationId undefined: those of the whole server */
  list(conversationId: string | undefined): Terminal[] {
    return [...this.terminals.values()].filter(
      ({ facts }) => conversationId === undefined || facts.conversationId === conversationId,
    );
  }

  /**
   * @param conversationId undefined: any terminal of the server
   * @throws TerminalNotFoundError
   */
  get(id: string, conversationId: string | undefined): Terminal {
    const terminal = this.terminals.get(id);
    const isThere = conversationId === undefined || terminal?.facts.conversationId === conversationId;
    if (!terminal || !isThere) throw new TerminalNotFoundError(id);
    return terminal;
  }

  /** Ends a terminal with all its processes, and forgets it. */
  async close(terminal: Terminal, reason: EndReason): Promise<void> {
    await terminal.close(reason);
    this.forget(terminal);
  }

  /**
   * Gives the terminal of an agent to a person, who may type then, until it is given back or the agent goes
   * on.
   * @throws TerminalStateError while the agent is at work, and for terminals of people
   */
  async takeOver(terminal: Terminal, principal: Principal): Promise<void> {
    const agent = ofAgent(terminal);
    const conversation = await this.conversations.open(agent.facts.conversationId ?? '');
    const assertPaused = (): void => {
      if (conversation.isRunning)
        throw new TerminalStateError(
          'The agent is at work. Pause the conversation, and wait for its last step',
        );
    };
    assertPaused();
    await agent.takeOver(principal.name);
    this.openers.get(agent.id)?.unwatch();
    const unwatch = this.authenticator.whenEnded(principal, () => this.giveBackInBackground(agent));
    this.openers.set(agent.id, { key: principal.id, unwatch });
    if (conversation.isRunning) await agent.giveBack();
    assertPaused();
  }

  /** Gives a terminal back to its agent. @throws TerminalStateError for terminals of people */
  async giveBack(terminal: Terminal): Promise<void> {
    await ofAgent(terminal).giveBack();
  }

  /** An agent that goes on takes its terminal back. */
  onEvent({ conversationId, event }: PublishedEvent): void {
    if (event.kind !== 'ConversationStateUpdateEvent' || event.key !== 'execution_status') return;
    if (event.value !== 'running') return;
    for (const terminal of this.list(conversationId))
      if (terminal instanceof AgentTerminal && terminal.takenOverBy !== null)
        this.giveBackInBackground(terminal);
  }

  /** Ends the terminals of a deleted conversation before its folder is removed. */
  async onClosing({ conversationId, removed }: ClosingConversation): Promise<void> {
    if (!removed) return;
    await Promise.all(
      this.list(conversationId).map((terminal) => this.close(terminal, 'conversation_deleted')),
    );
  }

  /** Ends all terminals. */
  async beforeApplicationShutdown(): Promise<void> {
    this.closing = true;
    clearInterval(this.sweeper);
    this.unsubscribe();
    await Promise.all([...this.terminals.values()].map((terminal) => this.close(terminal, 'shutdown')));
    this.pace.close();
  }

  /** @returns gives the place of a starting terminal back */
  private takePlace({ id: key }: Principal): () => void {
    if (this.closing) throw new TerminalLimitError('The server is shutting down');
    const { max, max_per_key: maxOfKey } = this.config.terminals;
    const open = [...this.terminals.values()].filter(({ hasEnded, facts }) => !hasEnded && !facts.agent);
    if (open.length + this.starting.length >= max) {
      throw new TerminalLimitError(
        max === 0
          ? 'This server has no terminals (terminals.max)'
          : `This server may have ${max} terminals open (terminals.max). Close one first`,
      );
    }
    const ofKey =
      open.filter((terminal) => this.openers.get(terminal.id)?.key === key).length +
      this.starting.filter((other) => other === key).length;
    if (key !== SESSION.id && ofKey >= maxOfKey) {
      throw new TerminalLimitError(
        `A key may have ${maxOfKey} terminals open (terminals.max_per_key). Close one first`,
      );
    }
    this.starting.push(key);
    return () => void this.starting.splice(this.starting.indexOf(key), 1);
  }

  private add(terminal: Terminal, principal: Principal): void {
    const { id, conversationId } = terminal.facts;
    this.terminals.set(id, terminal);
    const unwatch = this.authenticator.whenEnded(principal, () =>
      this.closeInBackground(terminal, 'key_ended'),
    );
    this.openers.set(id, { key: principal.id, unwatch });
    this.logger.log(
      `terminal ${id} opened${conversationId === null ? '' : ` in conversation ${conversationId}`}`,
    );
    this.dropEnded();
    if (this.closing) this.closeInBackground(terminal, 'shutdown');
  }

  private addAgent(announced: AnnouncedTerminal): void {
    if (this.closing) return;
    const terminal = new AgentTerminal(announced, this.pace, (ended) => this.forget(ended));
    this.terminals.set(terminal.id, terminal);
  }

  private giveBackInBackground(terminal: AgentTerminal): void {
    terminal.giveBack().catch((error: unknown) => this.logger.error(error));
  }

  private forget({ id }: Terminal): void {
    this.terminals.delete(id);
    this.openers.get(id)?.unwatch();
    this.openers.delete(id);
  }

  private closeInBackground(terminal: Terminal, reason: EndReason): void {
    this.logger.log(`terminal ${terminal.id} is closed: ${reason}`);
    terminal.close(reason).catch((error: unknown) => this.logger.error(error));
  }

  /** Ended terminals take memory: with many of them the oldest are forgotten earlier. */
  private dropEnded(): void {
    const ended = [...this.terminals.values()].filter(({ hasEnded }) => hasEnded);
    for (const terminal of ended.slice(0, Math.max(0, ended.length - this.config.terminals.max_per_key)))
      this.forget(terminal);
  }

  private sweep(): void {
    const now = performance.now();
    for (const terminal of this.terminals.values()) {
      const { endedAt, facts, idleMs } = terminal;
      if (endedAt !== undefined && now - endedAt > KEEP_ENDED_MS) this.forget(terminal);
      const isIdle = idleMs > this.config.terminals.idle_seconds * 1000;
      if (endedAt === undefined && !facts.agent && isIdle) this.closeInBackground(terminal, 'idle');
    }
  }
}

/** @throws TerminalStateError for a terminal of a person */
function ofAgent(terminal: Terminal): AgentTerminal {
  if (terminal instanceof AgentTerminal) return terminal;
  throw new TerminalStateError('Only the terminal of an agent can be taken over and given back');
}
