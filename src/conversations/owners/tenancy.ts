import { Injectable } from '@nestjs/common';
import { type Principal, SESSION } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { InvalidRequestError } from '../../errors/index.js';
import { Sandbox, SandboxError } from '../../sandbox/index.js';
import { sandboxOfOwnKeys } from './confinement-scope.js';
import { ForbiddenError } from '../conversation-errors.js';
import type { RequestedConversation, StartConversationRequest } from '../state/start-request.js';
import { KeyWorkspaces } from './key-workspaces.js';
import { restrict } from './own-key-rules.js';
import { ownerFilter, Ownership } from './ownership.js';

/** The stored profiles that a request names. */
interface NamedProfiles {
  agentProfile: string | null;
  llmProfiles: readonly (string | null | undefined)[];
}

/** What keys whose reach is `own` may create, and where. */
@Injectable()
export class Tenancy {
  constructor(
    private readonly config: AppConfig,
    private readonly sandbox: Sandbox,
    private readonly ownership: Ownership,
    private readonly workspaces: KeyWorkspaces,
  ) {}

  /**
   * The request with the key that it comes from. One of reach `own` gets a workspace inside its own folder.
   * @throws InvalidRequestError, ForbiddenError
   */
  async admit(request: RequestedConversation, principal: Principal): Promise<StartConversationRequest> {
    const owner_key = principal.id === SESSION.id ? null : principal.id;
    if (ownerFilter(principal) === undefined) return { ...request, owner_key, workspace_root: null };
    const { parent_conversation_id: parent } = request;
    // As for an unknown one.
    if (parent !== null && !(await this.ownership.isVisible(parent, principal)))
      throw new InvalidRequestError([], `Parent conversation ${parent} not found`);
    const restricted = restrict(request, this.config.own_keys_llm_profiles);
    this.assertConfined();
    const workspace_root = await this.workspaces.folderOf(principal.id);
    const working_dir = await this.workspaces.makeWorkingDir(workspace_root, request.workspace.working_dir);
    return {
      ...restricted,
      workspace: { ...request.workspace, working_dir },
      owner_key,
      workspace_root,
    };
  }

  /**
   * What a request may ask of a server in a container. Its agent can read the memory of that server: so with
   * a key of reach `own`, no stored model may be used, whose keys would be there.
   * @throws ForbiddenError
   */
  admitToContainer(request: RequestedConversation, principal: Principal): RequestedConversation {
    if (ownerFilter(principal) === undefined) return request;
    if (request.storedModel === true)
      throw new ForbiddenError(
        'LLM profiles of the server may not be used in a container with this key: its agent could read their keys.',
      );
    return restrict(request, []);
  }

  /** @throws SandboxError where programs cannot be confined as `own_keys_sandbox` wants it */
  private assertConfined(): void {
    try {
      this.sandbox.assertAvailable(sandboxOfOwnKeys(this.config.own_keys_sandbox));
    } catch (error) {
      if (!(error instanceof SandboxError)) throw error;
      throw new SandboxError(`${error.message} Conversations of this key need it (\`own_keys_sandbox\`).`);
    }
  }

  /** @throws ForbiddenError for a stored profile that the key may not use */
  assertMayUse({ agentProfile, llmProfiles }: NamedProfiles, principal: Principal): void {
    if (ownerFilter(principal) === undefined) return;
    if (agentProfile !== null)
      throw new ForbiddenError('Agent profiles of the server may not be used with this key.');
    for (const name of llmProfiles) {
      if (typeof name === 'string' && name !== '' && !this.mayUseLlm(name, principal))
        throw new ForbiddenError(
          `LLM profile '${name}' may not be used with this key (\`own_keys_llm_profiles\`).`,
        );
    }
  }

  /** Whether a key may use a stored LLM profile. */
  mayUseLlm(name: string, principal: Principal): boolean {
    return ownerFilter(principal) === undefined || this.config.own_keys_llm_profiles.includes(name);
  }
}
