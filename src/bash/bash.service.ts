import path from 'node:path';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { AppConfig } from '../config/index.js';
import { EventBus, type ClosingConversation, type EventSubscriber } from '../events/index.js';
import { Catalogue } from '../storage/index.js';
import { endSessionProcesses } from '../processes/index.js';
import { RuntimeScopes } from '../workspace/runtime-scopes.js';
import { BashHistory, type HistoryLimits } from './bash-history.js';
import type { BashRequest } from './bash-event.js';
import { BashShell } from './bash-shell.js';

/** The folder of a history inside that of its conversation. */
const HISTORY_FOLDER = 'bash_events';
/** Shells of conversations that stay open while nobody uses them: an index each. */
const MAX_IDLE_SHELLS = 50;

/** The shells of the bash routes: one for the server, and one for each conversation that is asked for. */
@Injectable()
export class BashService implements BeforeApplicationShutdown, EventSubscriber {
  /** All processes of all commands carry it, so that none is left at the end. */
  private readonly sessionId = `bash-${randomUUID()}`;
  private readonly shells = new Map<string, Promise<BashShell>>();
  private readonly limits: HistoryLimits;
  private closing = false;
  private readonly unsubscribe: () => void;

  constructor(
    private readonly config: AppConfig,
    private readonly catalogue: Catalogue,
    private readonly scopes: RuntimeScopes,
    bus: EventBus,
  ) {
    this.unsubscribe = bus.subscribe('*', this);
    const { bash_events_max_count, bash_events_max_bytes, bash_events_retention_seconds } = config;
    this.limits = {
      events: bash_events_max_count,
      bytes: bash_events_max_bytes,
      seconds: bash_events_retention_seconds,
    };
  }

  /**
   * The shell of the server or of a conversation.
   * @throws ConversationNotFoundError
   */
  async shell(conversationId?: string): Promise<BashShell> {
    if (conversationId === undefined) {
      return this.opened('', this.config.paths.bashEvents, this.config.base_dir, null);
    }
    const { folder } = await this.scopes.of(conversationId);
    const history = path.join(this.catalogue.folder(conversationId), HISTORY_FOLDER);
    return this.opened(conversationId, history, folder, folder);
  }

  /**
   * The request as its shell runs it.
   * @throws InvalidRequestError when it wants to run outside of the folder of its conversation
   */
  async admitted(request: BashRequest, conversationId?: string): Promise<BashRequest> {
    if (conversationId === undefined || request.cwd === null) return request;
    const scope = await this.scopes.of(conversationId);
    await scope.paths.assertInside(request.cwd, 'cwd');
    return request;
  }

  /** Events of conversations are not its matter. */
  onEvent(): void {
    return;
  }

  /** The commands of a deleted conversation end, before its folder goes. */
  async onClosing({ conversationId, removed }: ClosingConversation): Promise<void> {
    if (!removed) return;
    const opening = this.shells.get(conversationId);
    this.shells.delete(conversationId);
    const shell = await opening?.catch(() => undefined);
    await shell?.end();
  }

  /** Ends every command and whatever it left running. */
  async beforeApplicationShutdown(): Promise<void> {
    this.closing = true;
    this.unsubscribe();
    const shells = await Promise.all([...this.shells.values()].map((shell) => shell.catch(() => undefined)));
    const open = shells.filter((shell) => shell !== undefined);
    for (const shell of open) shell.refuse();
    if (open.length > 0)
      await endSessionProcesses(
        this.sessionId,
        open.flatMap(({ pids }) => pids),
      );
    await Promise.all(open.map((shell) => shell.close()));
  }

  private opened(
    key: string,
    history: string,
    folder: string,
    shownFolder: string | null,
  ): Promise<BashShell> {
    const known = this.shells.get(key);
    this.shells.delete(key);
    const shell = known ?? this.open(history, folder, shownFolder);
    // The last that was used stands last.
    this.shells.set(key, shell);
    if (!known) {
      shell.catch(() => this.shells.delete(key));
      void this.closeIdle();
    }
    return shell;
  }

  private async open(history: string, folder: string, shownFolder: string | null): Promise<BashShell> {
    const shell = new BashShell(await BashHistory.open(history, this.limits), {
      folder,
      shownFolder,
      outputLimit: this.config.bash_output_limit_chars,
      sessionId: this.sessionId,
    });
    if (this.closing) shell.refuse();
    return shell;
  }

  private async closeIdle(): Promise<void> {
    for (const [key, opening] of [...this.shells].slice(0, -MAX_IDLE_SHELLS)) {
      const shell = await opening.catch(() => undefined);
      if (key === '' || !shell?.isIdle) continue;
      if (this.shells.get(key) === opening) this.shells.delete(key);
      await shell.close();
    }
  }
}
