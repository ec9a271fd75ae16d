import { ACP_SERVERS } from '../../acp/index.js';
import {
  model,
  problemsOf,
  readDto,
  type DtoClass,
  Field,
  NoOtherFields,
  choice,
  decimal,
  flag,
  integer,
  listOf,
  nullable,
  text,
  uuid,
  type Problem,
} from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';
import { tool, type ToolDto } from '../dto/agent-context.dto.js';
import { condenserSettings, LLMSummarizingCondenserSettingsDto } from '../dto/condenser-settings.dto.js';
import { ProfileVerificationSettingsDto } from '../dto/verification-settings.dto.js';

/** The version of agent profiles that this server writes. */
export const AGENT_PROFILE_VERSION = 4;

const refs = nullable(listOf(text()));

/** Fields of all agent profiles. The order of the fields is the order in files and answers. */
abstract class AgentProfileFields {
  @Field(integer({ ge: 1 }), 'Version of the format of the profile; this server writes 4.')
  schema_version = AGENT_PROFILE_VERSION;

  @Field(text(), '`openhands`: the built-in agent; `acp`: an external agent.')
  agent_kind = 'openhands';

  @Field(uuid(), 'Ignored: the server keeps the id of the stored profile, or generates one.', {
    optional: true,
  })
  id?: string;

  @Field(text({ min: 1 }), 'Ignored: the name in the path is used. May be absent.', { optional: true })
  name?: string;

  @Field(
    integer({ ge: 0 }),
    'Revision of a new profile. Ignored for a stored one, whose revision grows by one.',
  )
  revision = 0;

  @Field(refs, 'Names of MCP servers in the settings; null: all.')
  mcp_server_refs: string[] | null = null;

  @Field(refs, 'Names of secrets that a conversation with this profile may use; null: all.')
  secret_refs: string[] | null = null;
}

/** A profile of the built-in agent. */
@NoOtherFields()
class OpenHandsAgentProfileDto extends AgentProfileFields {
  @Field(text({ min: 1 }), 'Name of the LLM profile with the model of the agent.')
  llm_profile_ref!: string;

  @Field(text(), 'Stored for other programs; not used.')
  agent = 'CodeActAgent';

  @Field(nullable(listOf(tool)), 'Tools of the agent; null: the default tools.')
  tools: ToolDto[] | null = null;

  @Field(
    nullable(text({ min: 1, max: 65_536 })),
    'Describes who the agent is. The parts of the system prompt about coding are left out then. Null: the ' +
      'default prompt.',
  )
  persona: string | null = null;

  @Field(nullable(text()), 'Text that is added to the system prompt; null: none.')
  system_message_suffix: string | null = null;

  @Field(listOf(text()), 'Names of skills that the agent does not get.')
  disabled_skills: string[] = [];

  @Field(refs, 'Names of skills of the public repository that the agent gets; null: all, empty: none.')
  public_skills: string[] | null = null;

  @Field(condenserSettings, 'When and how old events are replaced by summaries.')
  condenser: object = new LLMSummarizingCondenserSettingsDto();

  @Field(model(ProfileVerificationSettingsDto), 'Whether and how a critic evaluates the work of the agent.')
  verification = new ProfileVerificationSettingsDto();

  @Field(flag(), 'Let the agent switch to the model that the meta-profile chooses for a task.')
  enable_classify_and_switch_llm_tool = false;

  @Field(nullable(text({ min: 1 })), 'Name of the meta-profile that chooses models; null: none.')
  meta_profile_ref: string | null = null;

  @Field(integer({ ge: 1 }), 'Maximum number of concurrent tool calls.')
  tool_concurrency_limit = 1;
}

/** A profile of an ACP agent. */
@NoOtherFields()
class ACPAgentProfileDto extends AgentProfileFields {
  @Field(
    choice(ACP_SERVERS),
    'The known program that runs the agent, or `custom` for the program in `acp_command`.',
  )
  acp_server = 'claude-code';

  @Field(nullable(text()), "Id of the model, one of those that the agent offers; null: the agent's default.")
  acp_model: string | null = null;

  @Field(nullable(text()), "Session mode, one of those that the agent offers; null: the agent's default.")
  acp_session_mode: string | null = null;

  @Field(decimal({ gt: 0 }), 'Seconds without any update of the agent after which a turn is ended.')
  acp_prompt_timeout = 1800;

  @Field(decimal({ gt: 0 }), 'Time limit for starting the program and its session in seconds.')
  acp_startup_timeout = 90;

  @Field(
    nullable(text()),
    'Command of the agent as one text, as in a shell; null: that of the known program.',
  )
  acp_command: string | null = null;

  @Field(nullable(listOf(text())), 'Further arguments of the command; null: none.')
  acp_args: string[] | null = null;
}

const KINDS: Readonly<Record<string, DtoClass<AgentProfileFields>>> = {
  openhands: OpenHandsAgentProfileDto,
  acp: ACPAgentProfileDto,
};
const DISCRIMINATOR = '_agent_profile_discriminator()';

/** A validated profile, or its problems. */
type ReadProfile = { profile: AgentProfileFields } | { problems: Problem[] };

/** Validates an agent profile from a request or a file. Paths of problems start with the kind. */
export function readAgentProfile(source: JsonObject): ReadProfile {
  const { agent_kind: kind = 'openhands' } = source;
  if (typeof kind !== 'string') {
    const msg = `Unable to extract tag using discriminator ${DISCRIMINATOR}`;
    return { problems: [{ type: 'union_tag_not_found', msg }] };
  }
  const dto = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (!dto) {
    const tags = "'openhands', 'acp'";
    const msg = `Input tag '${kind.slice(0, 100)}' found using ${DISCRIMINATOR} does not match any of the expected tags: ${tags}`;
    return { problems: [{ type: 'union_tag_invalid', msg }] };
  }
  const profile = readDto(dto, { ...source, agent_kind: kind });
  const problems = problemsOf(profile);
  if (problems.length === 0) return { profile };
  return { problems: problems.map((problem) => ({ ...problem, path: [kind, ...(problem.path ?? [])] })) };
}
