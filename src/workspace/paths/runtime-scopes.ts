import { InvalidRequestError } from '../../errors/index.js';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { ConversationsService } from '../../conversations/index.js';
import type { FileRules } from '../../files/index.js';
import { GitBounds } from '../../git/index.js';
import { Sandbox, type Confinement, type ConfinementScope } from '../../sandbox/index.js';
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
    private readonly sandbox: Sandbox,
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
    const scope = await this.conversations.confinementScope(conversationId);
    const { workspace: folder, root } = scope;
    const confinement = this.sandbox.confine(scope);
    const { files: rules } = confinement;
    const paths = new PathScope({
      // Agents of a key with its own folder cannot replace that one by a link.
      root: root ?? folder,
      rules,
      dotBase: folder,
      outside: (what) => new InvalidRequestError([], `${what} must be inside the conversation workspace`),
    });
    const gitBounds = () =>
      root === undefined ? this.bounds(confinement, folder) : this.boundsOfKey(root, rules, scope);
    return { folder, rules, paths, gitPaths: paths, gitBounds, confinement: scope };
  }

  /** Repositories of a key with its own folder have all their parts in there, and git sees nothing else. */
  private boundsOfKey(
    root: string,
    rules: FileRules,
    { folder: _kept, ...scope }: ConfinementScope,
  ): Promise<GitBounds> {
    const confinement = this.sandbox.confine(scope);
    return GitBounds.of({ folders: [root], worktrees: this.config.paths.worktrees, rules, confinement });
  }

  /**
   * The configured root and the folder of a conversation, which may be outside the root; with the mode
   * `workspace` only these. Git itself runs outside of the sandbox, but for keys with their own folder.
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
