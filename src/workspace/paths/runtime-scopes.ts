import { InvalidRequestError } from '../../errors/index.js';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { ConversationsService } from '../../conversations/index.js';
import { GitBounds } from '../../git/index.js';
import type { ConfinementScope } from '../../sandbox/index.js';
import { PathForbiddenError } from './path-errors.js';
import { PathScope } from './path-scope.js';

/** The scope of the routes for the machine or for one conversation. */
interface RuntimeScope {
  /** Absolute path: the server's folder or the conversation's. */
  folder: string;
  /** Absolute paths, and in a conversation those that begin with `./`. */
  paths: PathScope;
  /** Also accepts paths relative to the server's folder, but not in a conversation. */
  gitPaths: PathScope;
  /** Where the parts of repositories may be; undefined means anywhere. */
  gitBounds: () => Promise<GitBounds | undefined>;
  /** What programs are confined to; undefined for the machine. */
  confinement?: ConfinementScope;
}

/**
 * Decides which paths a route may access: all, those in the configured root, or those in a conversation's
 * folder.
 */
@Injectable()
export class RuntimeScopes {
  private readonly machine: RuntimeScope;

  constructor(
    private readonly config: AppConfig,
    private readonly conversations: ConversationsService,
  ) {
    const root = config.paths.fileRoot ?? undefined;
    const outside = (): Error => new PathForbiddenError('Path is outside the folder that this server serves');
    this.machine = {
      folder: config.base_dir,
      paths: new PathScope({ root, outside }),
      gitPaths: new PathScope({ root, outside, base: config.base_dir }),
      gitBounds: () => this.bounds(),
    };
  }

  /**
   * @param conversationId undefined for the machine
   * @throws ConversationNotFoundError
   */
  async of(conversationId: string | undefined): Promise<RuntimeScope> {
    if (conversationId === undefined) return this.machine;
    const confinement = await this.conversations.confinementScope(conversationId);
    const { workspace: folder, root } = confinement;
    const paths = new PathScope({
      // Agents of a key with its own folder cannot replace that one by a link.
      root: root ?? folder,
      dotBase: folder,
      outside: (what) => new InvalidRequestError([], `${what} must be inside the conversation workspace`),
    });
    const gitBounds = () => (root === undefined ? this.bounds(folder) : this.boundsOfKey(root));
    return { folder, paths, gitPaths: paths, gitBounds, confinement };
  }

  /** Repositories of a key with its own folder have all their parts in there. */
  private boundsOfKey(root: string): Promise<GitBounds> {
    return GitBounds.of({ folders: [root], worktrees: this.config.paths.worktrees });
  }

  /** The configured root and the folder of a conversation, which may be outside the root. */
  private async bounds(...folders: string[]): Promise<GitBounds | undefined> {
    const { fileRoot, worktrees } = this.config.paths;
    return fileRoot === null ? undefined : GitBounds.of({ folders: [fileRoot, ...folders], worktrees });
  }
}
