import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { AppConfig } from '../config/index.js';
import { EventBus, type ClosingConversation, type EventSubscriber } from '../events/index.js';
import { BashHistories } from '../storage/index.js';
import { endSessionProcesses } from '../processes/index.js';
import { Sandbox, type ConfinementScope } from '../sandbox/index.js';
import { RuntimeScopes } from '../workspace/index.js';
import { endOfDead, toRecord, type BashRequest } from './bash-event.js';
import { BashShell } from './shell/bash-shell.js';

/** The maximum number of idle shells that stay open, each with an index in memory. */
const MAX_IDLE_SHELLS = 50;

/** Where a shell works. */
interface ShellPlace {
  folder: string;
  /** The folder as clients see it; null: not shown. */
  shownFolder: string | null;
  confinement?: ConfinementScope;
}

/** The shells of the bash routes: one of the server, and one for each conversation. */
@Injectable()
export class BashService implements BeforeApplicationShutdown, EventSubscriber {
  /** Identifies the processes of all commands, so that the shutdown finds and ends them. */
  private readonly sessionId = `bash-${randomUUID()}`;
  /** By conversation, in the order of their last use; undefined: that of the server. */
  private readonly shells = new Map<string | undefined, Promise<BashShell>>();
  private closing = false;
  private readonly unsubscribe: () => void;

  constructor(
    private readonly config: AppConfig,
    private readonly histories: BashHistories,
    private readonly scopes: RuntimeScopes,
    private readonly sandbox: Sandbox,
    bus: EventBus,
  ) {
    this.unsubscribe = bus.subscribe('*', this);
    histories.recordEndsOfDead((commandId, order) => toRecord(endOfDead(commandId, order)));
  }

  /**
   * The shell of the server or of a conversation.
   * @throws ConversationNotFoundError
   */
  async shell(conversationId?: string): Promise<BashShell> {
    if (conversationId === undefined)
      return this.getOrOpen(undefined, { folder: this.config.base_dir, shownFolder: null });
    const { folder, confinement } = await this.scopes.of(conversationId);
    return this.getOrOpen(conversationId, { folder, shownFolder: folder, confinement });
  }

  /**
   * Checks the working directory of a request.
   * @throws InvalidRequestError if it is outside of the conversation's folder
   */
  async checked(request: BashRequest, conversationId?: string): Promise<BashRequest> {
    if (conversationId === undefined || request.cwd === null) return request;
    const scope = await this.scopes.of(conversationId);
    await scope.paths.assertInside(request.cwd, 'cwd');
    return request;
  }

  /**
   * Removes events of the server, and of conversations whose shells are open, that are too old. Histories
   * that are not open lose theirs when they are opened, and with their conversations.
   */
  async removeExpired(): Promise<number> {
    if (this.config.bash_events_retention_seconds === null || this.closing) return 0;
    const shells = await Promise.all(
      [this.shell(), ...this.shells.values()].map((shell) => shell.catch(() => undefined)),
    );
    let removed = 0;
    for (const shell of new Set(shells)) removed += (await shell?.history.expire()) ?? 0;
    return removed;
  }

  /** Only closing conversations are of interest. */
  onEvent(): void {
    return;
  }

  /** Ends the commands of a deleted conversation before its folder is removed. */
  async onClosing({ conversationId, removed }: ClosingConversation): Promise<void> {
    if (!removed) return;
    const opening = this.shells.get(conversationId);
    this.shells.delete(conversationId);
    const shell = await opening?.catch(() => undefined);
    await shell?.end();
    await this.histories.remove(conversationId);
  }

  /** Ends all commands and the processes that they left running. */
  async beforeApplicationShutdown(): Promise<void> {
    this.closing = true;
    this.unsubscribe();
    const shells = await Promise.all([...this.shells.values()].map((shell) => shell.catch(() => undefined)));
    const open = shells.filter((shell) => shell !== undefined);
    for (const shell of open) shell.rejectNew();
    if (open.length > 0)
      await endSessionProcesses(
        this.sessionId,
        open.flatMap(({ pids }) => pids),
      );
    await Promise.all(open.map((shell) => shell.close()));
  }

  private getOrOpen(key: string | undefined, place: ShellPlace): Promise<BashShell> {
    const known = this.shells.get(key);
    this.shells.delete(key);
    const shell = known ?? this.open(key, place);
    this.shells.set(key, shell);
    if (!known) {
      shell.catch(() => this.shells.delete(key));
      void this.closeIdle();
    }
    return shell;
  }

  private async open(
    key: string | undefined,
    { folder, shownFolder, confinement }: ShellPlace,
  ): Promise<BashShell> {
    const shell = new BashShell(await this.histories.open(key), {
      folder,
      shownFolder,
      outputLimit: this.config.bash_output_limit_chars,
      sessionId: this.sessionId,
      confinement:
        key === undefined
          ? this.sandbox.server
          : this.sandbox.confine({ workspace: folder, ...confinement, keepsDaemons: true }),
    });
    if (this.closing) shell.rejectNew();
    return shell;
  }

  private async closeIdle(): Promise<void> {
    for (const [key, opening] of [...this.shells].slice(0, -MAX_IDLE_SHELLS)) {
      const shell = await opening.catch(() => undefined);
      if (key === undefined || !shell?.isIdle) continue;
      if (this.shells.get(key) === opening) this.shells.delete(key);
      await shell.close();
    }
  }
}
