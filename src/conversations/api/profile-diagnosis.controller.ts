import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import {
  Field,
  NoOtherFields,
  OptionalBody,
  anyObject,
  nullable,
  documentSchemas,
  objectSchema,
  Operation,
} from '../../http/index.js';
import { AgentProfilesService, checkedProfile, NAME_IN_PATH, ProfileNamePipe } from '../../settings/index.js';
import type { JsonObject } from '../../json/index.js';
import { ProfileDiagnosis } from '../profiles/profile-diagnosis.js';

/** A profile that need not be stored. */
@OptionalBody()
@NoOtherFields()
class MaterializeAgentProfileRequestDto {
  @Field(
    nullable(anyObject()),
    'A profile that need not be stored; null: the stored one with the name in the path.',
  )
  profile: JsonObject | null = null;
}

/** Resolves agent profiles without starting a conversation. */
@Controller('api/agent-profiles')
export class ProfileDiagnosisController {
  constructor(
    private readonly diagnosis: ProfileDiagnosis,
    private readonly profiles: AgentProfilesService,
  ) {}

  @Post(':name/materialize')
  @Scope('read')
  @HttpCode(200)
  @Operation({
    tag: 'Profiles',
    path: NAME_IN_PATH,
    summary: 'Resolve an agent profile',
    description:
      'Returns the agent settings that a conversation would get, with masked secrets, or the problems. Nothing is stored.',
    body: {
      schema: MaterializeAgentProfileRequestDto,
      required: false,
      example: { profile: { llm_profile_ref: 'demo' } },
      after: ['LlmProfiles_save'],
    },
    answers: { 200: { description: 'The resolved profile.', schema: 'AgentProfileDiagnostics' } },
    errors: {
      400: 'The name is invalid, or the stored profile cannot be read.',
      404: 'There is no agent profile with this name.',
      409: 'A stored entry that the profile refers to cannot be read.',
    },
  })
  async materialize(
    @Param('name', ProfileNamePipe) name: string,
    @Body() { profile }: MaterializeAgentProfileRequestDto,
  ): Promise<JsonObject> {
    const fields = profile ?? (await this.profiles.get(name));
    return this.diagnosis.diagnose(checkedProfile(fields));
  }
}

const text = { type: 'string' };
const textOrNull = { anyOf: [text, { type: 'null' }] };
const texts = { type: 'array', items: text };
const textsOrNull = { anyOf: [texts, { type: 'null' }] };
const no = { type: 'boolean', default: false };
documentSchemas(() =>
  Promise.resolve({
    AgentProfileDiagnostics: objectSchema({
      agent_kind: [text, '`openhands`: the built-in agent; `acp`: an external agent.'],
      'valid?': [no, 'Whether a conversation could be started with the profile.'],
      'errors?': [texts, 'Why it could not, one sentence each; empty if `valid`.'],
      'unusable_tools?': [texts, 'Names of tools of the profile that this server does not have.'],
      'llm_profile_ref?': [textOrNull, 'LLM profile that the profile names; null for external agents.'],
      'llm_profile_resolved?': [no, 'Whether that LLM profile exists and can be used.'],
      'llm_api_key_set?': [no, 'Whether its model has an API key.'],
      'mcp_server_refs?': [textsOrNull, 'MCP servers that the profile names; null: all of the settings.'],
      'resolved_mcp_config_keys?': [texts, 'Names of the MCP servers that the agent would get.'],
      'dangling_mcp_server_refs?': [texts, 'Names of MCP servers that the settings do not have.'],
      'disabled_skills?': [texts, 'Names of skills that the agent does not get.'],
      'public_skills?': [textsOrNull, 'Public skills that the profile names; null: all.'],
      'resolved_skills?': [texts, 'Names of the public skills that the agent would get.'],
      'secret_refs?': [textsOrNull, 'Secrets that conversations may use; null: all.'],
      'acp_api_key_secret_name?': [
        textOrNull,
        'Secret that an external agent takes as its API key; null if it takes none.',
      ],
      'acp_base_url_secret_name?': [
        textOrNull,
        'Secret that an external agent takes as the URL of its models; null if it takes none.',
      ],
      'acp_file_secret_names?': [texts, 'Secrets that an external agent takes as files.'],
      'meta_profile_ref?': [textOrNull, 'Meta-profile that the profile names; null: none.'],
      'dangling_meta_profile_ref?': [
        textOrNull,
        'The named meta-profile, if it does not exist; null otherwise.',
      ],
      'dangling_meta_profile_llm_refs?': [
        texts,
        'LLM profiles that the meta-profile names and that do not exist.',
      ],
      'resolved_settings?': [
        { anyOf: [{ type: 'object', additionalProperties: true }, { type: 'null' }] },
        'Agent settings of such a conversation, with secrets masked; null if the profile cannot be resolved.',
      ],
    }),
  }),
);
