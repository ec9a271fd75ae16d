import { type DescribedField, documentSchemas, objectSchema, refTo } from '../http/index.js';
import { McpServerDto } from './dto/mcp-server.dto.js';

const text = { type: 'string' };
const textOrNull = { anyOf: [{ type: 'string' }, { type: 'null' }] };
const object = { type: 'object', additionalProperties: true };
const list = (name: string) => ({ type: 'array', items: { $ref: `#/components/schemas/${name}` } });

const yes = { type: 'boolean', default: true };
const no = { type: 'boolean', default: false };
const MESSAGE = 'What was done, for people.';

/** Schemas of answers, for the API document. */
documentSchemas(() =>
  Promise.resolve({
    SettingsResponse: objectSchema({
      agent_settings: [
        {
          ...objectSchema({
            'schema_version?': [
              { anyOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }] },
              'Version of the format of the agent settings.',
            ],
            'agent_kind?': [
              { anyOf: [{ type: 'string', enum: ['openhands', 'acp'] }, { type: 'null' }] },
              '`openhands`: the built-in agent; `acp`: an external agent. The kind decides which other fields there are.',
            ],
            mcp_config: [
              { type: 'object', additionalProperties: { $ref: refTo(McpServerDto) } },
              'MCP servers by name, with secrets masked unless they are asked for.',
            ],
          }),
          additionalProperties: true,
        },
        'Settings of the agent of new conversations, such as its model; `agent-schema` describes the fields.',
      ],
      conversation_settings: [
        object,
        'Options of new conversations, such as confirmation and worktree; `conversation-schema` describes the fields.',
      ],
      llm_api_key_is_set: [{ type: 'boolean' }, 'Whether the model of the settings has an API key.'],
      'active_profile?': [textOrNull, 'Name of the LLM profile that the settings use; null: none.'],
      'active_agent_profile_id?': [textOrNull, 'Id of the agent profile of new conversations; null: none.'],
      'active_meta_profile?': [textOrNull, 'Name of the meta-profile that chooses models; null: none.'],
      'misc_settings?': [
        object,
        'Data that clients store, such as the state of a user interface. Not used by the server.',
      ],
    }),
    SecretItemResponse: objectSchema({
      name: [text, 'Name of the secret, which is that of its environment variable.'],
      'description?': [textOrNull, 'What the secret is for; null: not said.'],
    }),
    SecretsListResponse: objectSchema({
      secrets: [list('SecretItemResponse'), 'The stored secrets, without their values.'],
    }),
    ProfileInfo: objectSchema({
      name: [text, 'Name of the LLM profile.'],
      'model?': [textOrNull, 'Its model as `provider/model`; null if the file cannot be read.'],
      'base_url?': [textOrNull, 'URL that replaces that of the provider; null: none.'],
      'provider_connection_id?': [textOrNull, 'Id of the provider connection that it uses; null: none.'],
      'provider_connection_broken?': [no, 'Whether it names a provider connection that does not exist.'],
      'api_key_set?': [no, 'Whether it has an API key, of its own or of its connection.'],
    }),
    ProfileListResponse: objectSchema({
      profiles: [list('ProfileInfo'), 'The LLM profiles, sorted by name.'],
      'active_profile?': [textOrNull, 'Name of the profile that the settings use; null: none.'],
    }),
    ProfileDetailResponse: objectSchema({
      name: [text, 'Name of the LLM profile.'],
      config: [
        object,
        'The model and its options, as in `LLM`, with secrets masked unless they are asked for.',
      ],
      'api_key_set?': [no, 'Whether it has an API key, of its own or of its connection.'],
    }),
    ProfileMutationResponse: mutation(),
    AgentProfileMutationResponse: mutation(),
    MetaProfileMutationResponse: mutation(),
    ActivateProfileResponse: mutation({
      'llm_applied?': [yes, 'Whether the model of the profile was copied into the settings.'],
    }),
    ActivateMetaProfileResponse: mutation({
      'applied?': [yes, 'Whether the settings use it now; false if their agent cannot choose models.'],
    }),
    ValidateProfileError: objectSchema({
      type: [text, 'Kind of the error, for programs, such as `LLMAuthenticationError`.'],
      message: [text, 'What went wrong, for people.'],
    }),
    ValidateProfileResponse: objectSchema({
      valid: [{ type: 'boolean' }, 'Whether the model answered, or its provider was only busy.'],
      'error?': [
        { anyOf: [{ $ref: '#/components/schemas/ValidateProfileError' }, { type: 'null' }] },
        'Why the model cannot be used; null if it can.',
      ],
    }),
  }),
);

function mutation(more: Readonly<Record<string, DescribedField>> = {}) {
  return objectSchema({
    name: [text, 'Name of the profile after the change.'],
    message: [text, MESSAGE],
    ...more,
  });
}
