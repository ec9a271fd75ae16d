import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import type { ModelDiscovery } from '../../acp/index.js';
import {
  model,
  Field,
  flag,
  mapOf,
  describedFields,
  documentSchemas,
  objectSchema,
  Operation,
} from '../../http/index.js';
import { ACPAgentSettingsDto, acpAgentFromDto } from './dto/agent/acp-agent.dto.js';
import { secretSource } from './dto/policies.dto.js';
import { toAgentContext, toSecretSources } from './dto/to-start-request.js';
import { AcpDiscovery } from '../agent-runtime/acp-discovery.js';

/** The ACP agent whose models are listed, and the secrets that it needs. */
class ACPModelDiscoveryRequestDto {
  @Field(
    model(ACPAgentSettingsDto, { className: 'ACPAgentSettings' }),
    'The ACP agent whose models are listed.',
  )
  agent_settings!: ACPAgentSettingsDto;

  @Field(
    mapOf(secretSource),
    'Secrets that the agent needs, by name, in the same form as when a conversation is started.',
  )
  secrets = new Map<string, object>();

  @Field(flag(), 'Start the agent even if there is a cached answer.')
  refresh = false;
}

documentSchemas(() => {
  const text = { type: 'string' };
  const textOrNull = { anyOf: [text, { type: 'null' }] };
  return Promise.resolve({
    ACPModelDiscoveryError: objectSchema({
      code: [text, 'Kind of the error, for programs, such as `ACPSpawnError` or `ACPAuthRequired`.'],
      detail: [text, 'What went wrong, for people.'],
    }),
    ACPModelDiscovery: {
      type: 'object',
      properties: describedFields({
        agent_name: [textOrNull, 'Name that the agent gives itself; null if it does not say, or failed.'],
        agent_version: [
          textOrNull,
          'Version that the agent gives itself; null if it does not say, or failed.',
        ],
        current_model_id: [
          textOrNull,
          'Id of the model that the agent uses by default; null if it does not say.',
        ],
        available_models: [
          { type: 'array', items: { $ref: '#/components/schemas/ACPModelInfo' } },
          'Models that the agent offers; empty if it lists none, or failed.',
        ],
        supports_runtime_model_switch: [
          { type: 'boolean', default: false },
          'Whether the agent can switch models during a session.',
        ],
        error: [
          { anyOf: [{ $ref: '#/components/schemas/ACPModelDiscoveryError' }, { type: 'null' }] },
          'Why the agent could not be asked; null if it answered.',
        ],
      }),
    },
  });
});

/** ACP agents: external programs that speak the Agent Client Protocol. */
@Controller('api/acp')
export class AcpController {
  constructor(private readonly discovery: AcpDiscovery) {}

  @Post('models')
  @Scope('write')
  @HttpCode(200)
  @Operation({
    tag: 'ACP',
    summary: 'List the models of an ACP agent',
    description:
      'Starts the agent on the host of the server and stops it after the query. Failures are reported in the answer. ' +
      'Answers are cached for five minutes.',
    body: {
      schema: ACPModelDiscoveryRequestDto,
      example: { agent_settings: { agent_kind: 'acp', acp_server: 'claude-code' } },
      needs: 'Needs access to npm, from which the server fetches the program of the agent.',
    },
    answers: { 200: { description: 'The models, or an error.', schema: 'ACPModelDiscovery' } },
  })
  models(@Body() { agent_settings, secrets, refresh }: ACPModelDiscoveryRequestDto): Promise<ModelDiscovery> {
    const agent = acpAgentFromDto(agent_settings, toAgentContext);
    return this.discovery.models(agent, toSecretSources(secrets), refresh);
  }
}
