import { InvalidRequestError } from '../../errors/index.js';
import { ForbiddenException, Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { ConversationsService } from '../../conversations/conversations.service.js';
import { GitBounds } from '../../git/index.js';
import { PathScope } from './path-scope.js';

/** Where the routes of the machine, or of one conversation, work. */
export interface RuntimeScope {
  /** Absolute: of the server, or of the conversation. */
  folder: string;
  /** Absolute paths only. */
  paths: PathScope;
  /** Relative ones, too: they start from the folder of the server. Of a conversation they are refused. */
  gitPaths: PathScope;
  /** Where repositories may have their parts; undefined: anywhere. */
  gitBounds: () => Promise<GitBounds | undefined>;
}

/**
 * Tells which paths a route may touch: all, those of the configured root, or those of a conversation's
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
    const outside = (): Error => new ForbiddenException('Path is outside the folder that this server serves');
    this.machine = {
      folder: config.base_dir,
      paths: new PathScope({ root, outside }),
      gitPaths: new PathScope({ root, outside, base: config.base_dir }),
      gitBounds: () => this.bounds(),
    };
  }

  /**
   * @param conversationId undefined: the machine
   * @throws ConversationNotFoundError
   */
  async of(conversationId: string | undefined): Promise<RuntimeScope> {
    if (conversationId === undefined) return this.machine;
    const folder = await this.conversations.workingDir(conversationId);
    const paths = new PathScope({
      root: folder,
      outside: (what) => new InvalidRequestError([], `${what} must be inside the conversation workspace`),
    });
    return { folder, paths, gitPaths: paths, gitBounds: () => this.bounds(folder) };
  }

  /** The configured root, and the folder of a conversation, which its routes show wherever it is. */
  private async bounds(...folders: string[]): Promise<GitBounds | undefined> {
    const { fileRoot, worktrees } = this.config.paths;
    return fileRoot === null ? undefined : GitBounds.of({ folders: [fileRoot, ...folders], worktrees });
  }
}
