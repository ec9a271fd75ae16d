import { InvalidRequestError } from '../../errors/index.js';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { ConversationsService } from '../../conversations/index.js';
import { GitBounds } from '../../git/index.js';
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
    const folder = await this.conversations.workingDir(conversationId);
    const paths = new PathScope({
      root: folder,
      dotBase: folder,
      outside: (what) => new InvalidRequestError([], `${what} must be inside the conversation workspace`),
    });
    return { folder, paths, gitPaths: paths, gitBounds: () => this.bounds(folder) };
  }

  /** The configured root and the folder of a conversation, which may be outside the root. */
  private async bounds(...folders: string[]): Promise<GitBounds | undefined> {
    const { fileRoot, worktrees } = this.config.paths;
    return fileRoot === null ? undefined : GitBounds.of({ folders: [fileRoot, ...folders], worktrees });
  }
}
