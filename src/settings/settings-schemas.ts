import { refTo, documentSchemas } from '../http/index.js';
import { McpServerDto } from './dto/mcp-server.dto.js';

const text = { type: 'string' };
const textOrNull = { anyOf: [{ type: 'string' }, { type: 'null' }] };
const object = { type: 'object', additionalProperties: true };
const list = (name: string) => ({ type: 'array', items: { $ref: `#/components/schemas/${name}` } });

/** Schemas of answers, for the API document. */
documentSchemas(() =>
  Promise.resolve({
    SettingsResponse: {
      type: 'object',
      properties: {
        agent_settings: {
          type: 'object',
          properties: {
            schema_version: { anyOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }] },
            agent_kind: { anyOf: [{ type: 'string', enum: ['openhands', 'acp'] }, { type: 'null' }] },
            mcp_config: { type: 'object', additionalProperties: { $ref: refTo(McpServerDto) } },
          },
          required: ['mcp_config'],
          additionalProperties: true,
        },
        conversation_settings: object,
        llm_api_key_is_set: { type: 'boolean' },
        active_profile: textOrNull,
        active_agent_profile_id: textOrNull,
        active_meta_profile: textOrNull,
        misc_settings: object,
      },
      required: ['agent_settings', 'conversation_settings', 'llm_api_key_is_set'],
    },
    SecretItemResponse: {
      type: 'object',
      properties: { name: text, description: textOrNull },
      required: ['name'],
    },
    SecretsListResponse: {
      type: 'object',
      properties: { secrets: list('SecretItemResponse') },
      required: ['secrets'],
    },
    ProfileInfo: {
      type: 'object',
      properties: {
        ...{ name: text, model: textOrNull, base_url: textOrNull, provider_connection_id: textOrNull },
        provider_connection_broken: { type: 'boolean', default: false },
        api_key_set: { type: 'boolean', default: false },
      },
      required: ['name'],
    },
    ProfileListResponse: {
      type: 'object',
      properties: { profiles: list('ProfileInfo'), active_profile: textOrNull },
      required: ['profiles'],
    },
    ProfileDetailResponse: {
      type: 'object',
      properties: { name: text, config: object, api_key_set: { type: 'boolean', default: false } },
      required: ['name', 'config'],
    },
    ProfileMutationResponse: mutation(),
    AgentProfileMutationResponse: mutation(),
    MetaProfileMutationResponse: mutation(),
    ActivateProfileResponse: mutation({ llm_applied: { type: 'boolean', default: true } }),
    ActivateMetaProfileResponse: mutation({ applied: { type: 'boolean', default: true } }),
    ValidateProfileError: {
      type: 'object',
      properties: { type: text, message: text },
      required: ['type', 'message'],
    },
    ValidateProfileResponse: {
      type: 'object',
      properties: {
        valid: { type: 'boolean' },
        error: { anyOf: [{ $ref: '#/components/schemas/ValidateProfileError' }, { type: 'null' }] },
      },
      required: ['valid'],
    },
  }),
);

function mutation(more: Record<string, unknown> = {}) {
  return {
    type: 'object',
    properties: { name: text, message: text, ...more },
    required: ['name', 'message'],
  };
}
