import type { IncomingHttpHeaders } from 'node:http';
import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { SecretCodec } from '../../crypto/index.js';
import { errorMessage, InvalidRequestError } from '../../errors/index.js';
import { model, readChecked } from '../../http/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { ownerFilter } from '../owners/ownership.js';
import { Tenancy } from '../owners/tenancy.js';
import { LaunchProfiles, withAdditions } from '../profiles/launch-profiles.js';
import { lookUpSecret } from '../secrets/lookup-secret.js';
import { decryptRequest } from '../secrets/request-secrets.js';
import type { RequestedConversation } from '../state/start-request.js';
import { StartConversationRequestDto } from './dto/start-conversation.dto.js';
import { requestedLlmProfile, requestedProfile, toStartRequest } from './dto/to-start-request.js';
import { conversationIdFor, readIdempotencyKey } from './headers/idempotency-key.js';
import { withObservabilityHeaders } from './headers/observability-headers.js';

/** A create request that needs no store of this server, for another server to execute. */
export interface PortableRequest {
  /** Dashed UUID. */
  id: string;
  /** The id was made from the text of an idempotency key, which others may have guessed. */
  isDerived: boolean;
  /** `launched_agent_profile` of the conversation. */
  launchedProfile: JsonObject | null;
  body: JsonObject;
}

/** Fields that are written anew, or name what only this server has. */
const REPLACED = [
  ...['agent', 'agent_settings', 'agent_profile_id', 'agent_launch_additions', 'llm_profile_ref'],
  ...['secrets', 'secrets_encrypted', 'security_analyzer', 'hook_config', 'title_llm_profile'],
  ...['conversation_id', 'conversation_runtime', 'container', 'workspace'],
];

/**
 * Makes create requests portable: profiles, models and encrypted secrets are replaced by what they stand for,
 * and secrets that are looked up by their values.
 */
@Injectable()
export class PortableRequests {
  private readonly logger = new Logger('Conversations');

  constructor(
    private readonly profiles: LaunchProfiles,
    private readonly codec: SecretCodec,
    private readonly tenancy: Tenancy,
  ) {}

  /**
   * @param workspace the folder as the other server sees it
   * @throws RequestValidationError, InvalidRequestError, ForbiddenError, and errors of profiles
   */
  async make(
    raw: JsonObject,
    headers: IncomingHttpHeaders,
    workspace: string,
    principal: Principal,
  ): Promise<PortableRequest> {
    const given = this.read(raw);
    const hasId = given.conversation_id !== null;
    const dto = withObservabilityHeaders(withKey(given, headers, ownerFilter(principal)), headers);
    if (dto.parent_conversation_id !== null)
      throw new InvalidRequestError([], 'Docker conversations cannot have a parent conversation');
    dto.conversation_runtime = null;
    const resolved = await this.resolve(dto, principal);
    const request = decryptRequest(this.codec, this.tenancy.admitToContainer(resolved, principal));
    const { agent, security_analyzer, hook_config } = request;
    const id = request.conversation_id ?? randomUUID();
    const kept = Object.entries(raw).filter(([name]) => !REPLACED.includes(name));
    const observability = Object.entries(request.rest).filter(([name]) => name.startsWith('observability_'));
    return {
      id,
      isDerived: !hasId && request.conversation_id !== null,
      launchedProfile: request.launched_agent_profile,
      body: {
        ...Object.fromEntries([...kept, ...observability]),
        agent: {
          ...agent,
          agent_context: agent.agent_context && {
            ...agent.agent_context,
            ...('secrets' in agent.agent_context && {
              secrets: await this.lookUp(id, asJsonObject(agent.agent_context['secrets'])),
            }),
          },
        },
        secrets: await this.lookUp(id, request.secrets),
        security_analyzer,
        hook_config,
        conversation_id: id,
        workspace: { kind: 'LocalWorkspace', working_dir: workspace },
      },
    };
  }

  private read(raw: JsonObject): StartConversationRequestDto {
    const dto = readChecked(model(StartConversationRequestDto), raw, ['body']);
    if (!(dto instanceof StartConversationRequestDto)) throw new TypeError('not a create request');
    return dto;
  }

  private async resolve(
    dto: StartConversationRequestDto,
    principal: Principal,
  ): Promise<RequestedConversation> {
    const profile = requestedProfile(dto);
    const { agent_launch_additions: additions } = dto;
    const llmProfiles = [requestedLlmProfile(dto), dto.title_llm_profile, additions?.llm_profile_ref];
    this.tenancy.assertMayUse({ agentProfile: profile, llmProfiles }, principal);
    const loaded =
      profile === null
        ? undefined
        : await this.profiles.load(profile, additions?.llm_profile_ref ?? undefined);
    const launched = loaded && additions ? withAdditions(loaded, additions) : loaded;
    const llmProfile = requestedLlmProfile(dto);
    const llm = llmProfile === null ? undefined : await this.profiles.loadLlm(llmProfile);
    return toStartRequest(dto, launched, llm);
  }

  /** One that cannot be looked up has no value there, as it would have none here. */
  private async lookUp(id: string, secrets: JsonObject): Promise<JsonObject> {
    const found = Object.entries(secrets).map(async ([name, given]): Promise<[string, unknown]> => {
      const { kind, url, headers, ...source } = asJsonObject(given);
      if (kind !== 'LookupSecret') return [name, given];
      const value = await lookUpSecret(String(url), textsOf(headers), NEVER).catch((error: unknown) => {
        this.logger.warn(`conversation ${id}: secret ${name} has no value: ${errorMessage(error)}`);
        return null;
      });
      return [name, { ...source, kind: 'StaticSecret', value }];
    });
    return Object.fromEntries(await Promise.all(found));
  }
}

/** A lookup has its own time limit. */
const NEVER = new AbortController().signal;

function withKey(
  dto: StartConversationRequestDto,
  headers: IncomingHttpHeaders,
  owner: string | undefined,
): StartConversationRequestDto {
  const key = readIdempotencyKey(headers['idempotency-key']?.toString());
  if (key !== undefined) dto.conversation_id ??= conversationIdFor(key, owner);
  return dto;
}

function textsOf(headers: unknown): Record<string, string> {
  const entries = Object.entries(asJsonObject(headers));
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
