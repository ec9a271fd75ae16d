import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import {
  Field,
  NoOtherFields,
  OptionalBody,
  anyObject,
  nullable,
  documentSchemas,
  Operation,
} from '../../http/index.js';
import { AgentProfilesService, checkedProfile, NAME_IN_PATH, ProfileNamePipe } from '../../settings/index.js';
import type { JsonObject } from '../../json/index.js';
import { ProfileDiagnosis } from '../profiles/profile-diagnosis.js';

/** A profile that need not be stored. */
@OptionalBody()
@NoOtherFields()
class MaterializeAgentProfileRequestDto {
  @Field(nullable(anyObject()), 'Null: the stored profile of this name.')
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
    errors: [400, 404, 409],
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
    AgentProfileDiagnostics: {
      type: 'object',
      properties: {
        ...{ agent_kind: text, valid: no, errors: texts, unusable_tools: texts },
        ...{ llm_profile_ref: textOrNull, llm_profile_resolved: no, llm_api_key_set: no },
        ...{ mcp_server_refs: textsOrNull, resolved_mcp_config_keys: texts, dangling_mcp_server_refs: texts },
        ...{
          disabled_skills: texts,
          public_skills: textsOrNull,
          resolved_skills: texts,
          secret_refs: textsOrNull,
        },
        ...{
          acp_api_key_secret_name: textOrNull,
          acp_base_url_secret_name: textOrNull,
          acp_file_secret_names: texts,
        },
        ...{ meta_profile_ref: textOrNull, dangling_meta_profile_ref: textOrNull },
        dangling_meta_profile_llm_refs: texts,
        resolved_settings: { anyOf: [{ type: 'object', additionalProperties: true }, { type: 'null' }] },
      },
      required: ['agent_kind'],
    },
  }),
);
