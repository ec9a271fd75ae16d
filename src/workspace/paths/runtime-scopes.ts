import { InvalidRequestError } from '../../errors/index.js';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { ConversationsService } from '../../conversations/index.js';
import type { FileRules } from '../../files/index.js';
import { GitBounds } from '../../git/index.js';
import { Sandbox, type Confinement } from '../../sandbox/index.js';
import { PathForbiddenError } from './path-errors.js';
import { PathScope } from './path-scope.js';

/** The scope of the routes for the machine or for one conversation. */
interface RuntimeScope {
  /** Absolute path: the server's folder or the conversation's. */
  folder: string;
  /** What the sandbox allows. */
  rules: FileRules;
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
    sandbox: Sandbox,
  ) {
    const root = config.paths.fileRoot ?? undefined;
    const outside = (): Error => new PathForbiddenError('Path is outside the folder that this server serves');
    const { files: rules } = sandbox.server;
    this.machine = {
      folder: config.base_dir,
      rules,
      paths: new PathScope({ root, rules, outside }),
      gitPaths: new PathScope({ root, rules, outside, base: config.base_dir }),
      gitBounds: () => this.bounds(sandbox.server),
    };
  }

  /**
   * @param conversationId undefined for the machine
   * @throws ConversationNotFoundError
   */
  async of(conversationId: string | undefined): Promise<RuntimeScope> {
    if (conversationId === undefined) return this.machine;
    const folder = await this.conversations.workingDir(conversationId);
    const confinement = await this.conversations.confinement(conversationId);
    const { files: rules } = confinement;
    const paths = new PathScope({
      root: folder,
      rules,
      dotBase: folder,
      outside: (what) => new InvalidRequestError([], `${what} must be inside the conversation workspace`),
    });
    return { folder, rules, paths, gitPaths: paths, gitBounds: () => this.bounds(confinement, folder) };
  }

  /**
   * The configured root and the folder of a conversation, which may be outside the root; with the mode
   * `workspace` only these. Git itself runs outside of the sandbox.
   */
  private async bounds(
    { mode, files: rules }: Confinement,
    ...folders: string[]
  ): Promise<GitBounds | undefined> {
    const { fileRoot, worktrees } = this.config.paths;
    if (mode === 'off' && fileRoot === null) return undefined;
    const areas = [...(fileRoot === null ? [] : [fileRoot]), ...folders];
    const areBounded = areas.length > 0 && (fileRoot !== null || mode === 'workspace');
    return GitBounds.of({ folders: areBounded ? areas : ['/'], worktrees, rules });
  }
}
