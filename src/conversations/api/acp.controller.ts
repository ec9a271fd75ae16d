import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import type { ModelDiscovery } from '../../acp/index.js';
import { model, Field, flag, mapOf, documentSchemas, Operation } from '../../http/index.js';
import { ACPAgentSettingsDto, acpAgentFromDto } from './dto/agent/acp-agent.dto.js';
import { secretSource } from './dto/policies.dto.js';
import { toAgentContext, toSecretSources } from './dto/to-start-request.js';
import { AcpDiscovery } from '../agent-runtime/acp-discovery.js';

/** The ACP agent whose models are listed, and the secrets that it needs. */
class ACPModelDiscoveryRequestDto {
  @Field(model(ACPAgentSettingsDto, { className: 'ACPAgentSettings' }))
  agent_settings!: ACPAgentSettingsDto;

  @Field(mapOf(secretSource), 'In the same form as when a conversation is started.')
  secrets = new Map<string, object>();

  @Field(flag(), 'Ignore a cached answer.')
  refresh = false;
}

documentSchemas(() => {
  const textOrNull = { anyOf: [{ type: 'string' }, { type: 'null' }] };
  return Promise.resolve({
    ACPModelDiscoveryError: {
      type: 'object',
      properties: { code: { type: 'string' }, detail: { type: 'string' } },
      required: ['code', 'detail'],
    },
    ACPModelDiscovery: {
      type: 'object',
      properties: {
        agent_name: textOrNull,
        agent_version: textOrNull,
        current_model_id: textOrNull,
        available_models: { type: 'array', items: { $ref: '#/components/schemas/ACPModelInfo' } },
        supports_runtime_model_switch: { type: 'boolean', default: false },
        error: { anyOf: [{ $ref: '#/components/schemas/ACPModelDiscoveryError' }, { type: 'null' }] },
      },
    },
  });
});

/** ACP agents: external programs that speak the Agent Client Protocol. */
@Controller('api/acp')
export class AcpController {
  constructor(private readonly discovery: AcpDiscovery) {}

  @Post('models')
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
    errors: [],
  })
  models(@Body() { agent_settings, secrets, refresh }: ACPModelDiscoveryRequestDto): Promise<ModelDiscovery> {
    const agent = acpAgentFromDto(agent_settings, toAgentContext);
    return this.discovery.models(agent, toSecretSources(secrets), refresh);
  }
}
