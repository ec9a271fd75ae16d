import { BadRequestException, Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ConversationIdPipe } from '../../http/validation/conversation-id.pipe.js';
import { documentSchemas, Operation } from '../../http/operation.js';
import { ConversationsService } from '../conversations.service.js';
import {
  AskAgentRequestDto,
  LoadPluginRequestDto,
  SetConfirmationPolicyRequestDto,
  SetSecurityAnalyzerRequestDto,
  SwitchACPModelRequestDto,
  SwitchLLMRequestDto,
  SwitchProfileRequestDto,
  UpdateSecretsRequestDto,
} from './dto/steering.dto.js';
import { toLlmConfig } from '../../settings/dto/to-llm-config.js';
import { toSecretSources, withKind } from './dto/to-start-request.js';
import { ModelProfiles } from '../profiles/model-profiles.js';
import { SteeringService } from '../steering/steering.service.js';

const SUCCESS = { success: true } as const;
const tag = 'Conversations';
const done = { 200: { description: 'Done.', schema: 'Success' } };
const runtime = { 200: { description: 'How it stands.', schema: 'ConversationRuntimeInfo' } };

documentSchemas(() =>
  Promise.resolve({
    AskAgentResponse: {
      type: 'object',
      properties: { response: { type: 'string' } },
      required: ['response'],
    },
  }),
);

/** How a conversation goes on: policies, secrets, models, questions. Under `/api` and without a prefix. */
@Controller(['api/conversations/:conversation_id', 'conversations/:conversation_id'])
export class SteeringController {
  constructor(
    private readonly steering: SteeringService,
    private readonly conversations: ConversationsService,
    private readonly models: ModelProfiles,
  ) {}

  @Post('confirmation_policy')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Say when the agent has to ask',
    body: { schema: SetConfirmationPolicyRequestDto },
    answers: done,
    errors: [404],
  })
  async setConfirmationPolicy(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { policy }: SetConfirmationPolicyRequestDto,
  ): Promise<typeof SUCCESS> {
    await this.steering.setConfirmationPolicy(id, withKind(policy));
    return SUCCESS;
  }

  @Post('security_analyzer')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Say who judges the risk of actions',
    body: { schema: SetSecurityAnalyzerRequestDto },
    answers: done,
    errors: [404],
  })
  async setSecurityAnalyzer(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { security_analyzer }: SetSecurityAnalyzerRequestDto,
  ): Promise<typeof SUCCESS> {
    await this.steering.setSecurityAnalyzer(id, security_analyzer && withKind(security_analyzer));
    return SUCCESS;
  }

  @Post('secrets')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Add secrets',
    description:
      'Commands get a secret as a variable when they name it. Its value is hidden wherever the agent or a client would ' +
      'read it.',
    body: { schema: UpdateSecretsRequestDto },
    answers: done,
    errors: [404],
  })
  async addSecrets(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { secrets }: UpdateSecretsRequestDto,
  ): Promise<typeof SUCCESS> {
    await this.steering.addSecrets(id, toSecretSources(secrets));
    return SUCCESS;
  }

  @Post('switch_llm')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Give the agent another model',
    body: { schema: SwitchLLMRequestDto },
    answers: done,
    errors: [404],
  })
  async switchLlm(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() body: SwitchLLMRequestDto,
  ): Promise<typeof SUCCESS> {
    await this.steering.switchLlm(id, toLlmConfig(body.llm));
    return SUCCESS;
  }

  @Post('switch_profile')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Give the agent the model of a profile',
    body: { schema: SwitchProfileRequestDto },
    answers: done,
    errors: [400, 404],
  })
  async switchProfile(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { profile_name }: SwitchProfileRequestDto,
  ): Promise<typeof SUCCESS> {
    await this.steering.agent(id);
    await this.steering.switchLlm(id, await this.models.load(profile_name));
    return SUCCESS;
  }

  @Post('switch_acp_model')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Give an agent from elsewhere another model',
    description: 'In the words of the agent, and at once. One that does not run gets it when it is started.',
    body: { schema: SwitchACPModelRequestDto },
    answers: done,
    errors: [400, 404, 504],
  })
  async switchAcpModel(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { model }: SwitchACPModelRequestDto,
  ): Promise<typeof SUCCESS> {
    await this.steering.switchAcpModel(id, model);
    return SUCCESS;
  }

  @Post('load_plugin')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Load a plugin of a registered marketplace',
    description:
      'By `plugin@marketplace`, or by its name alone. What it brings is there from the next step on; loading it again changes nothing.',
    body: { schema: LoadPluginRequestDto },
    answers: done,
    errors: [400, 404],
  })
  async loadPlugin(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { plugin_ref }: LoadPluginRequestDto,
  ): Promise<typeof SUCCESS> {
    const { agent_context: context } = await this.steering.agent(id);
    const refusal = pluginRefusal(context?.['registered_marketplaces']);
    if (refusal !== undefined) throw new BadRequestException(refusal);
    await this.steering.loadPlugin(id, plugin_ref);
    return SUCCESS;
  }

  @Post('ask_agent')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Ask about the conversation',
    description: 'Works during a run, too. Neither question nor answer becomes part of the conversation.',
    body: { schema: AskAgentRequestDto },
    answers: { 200: { description: 'The answer.', schema: 'AskAgentResponse' } },
    errors: [400, 404, 409, 504],
  })
  async ask(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { question }: AskAgentRequestDto,
  ): Promise<{ response: string }> {
    return { response: await this.steering.ask(id, question) };
  }

  @Get('runtime')
  @Operation({ tag, summary: 'Get the state of the runtime', answers: runtime, errors: [404] })
  async runtime(@Param('conversation_id', ConversationIdPipe) id: string): Promise<unknown> {
    return (await this.conversations.info(id, false))['runtime_info'];
  }

  @Post('runtime/reprovision')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Bring the runtime back',
    description: 'Conversations run in the server itself: there is nothing to bring back.',
    answers: runtime,
    errors: [404],
  })
  reprovision(@Param('conversation_id', ConversationIdPipe) id: string): Promise<unknown> {
    return this.runtime(id);
  }
}

function pluginRefusal(marketplaces: unknown): string | undefined {
  if (marketplaces === undefined) {
    return 'No agent context available. Configure agent_context with registered_marketplaces to use load_plugin().';
  }
  if (Array.isArray(marketplaces) && marketplaces.length > 0) return undefined;
  return 'No marketplaces registered. Configure registered_marketplaces in AgentContext to use load_plugin().';
}
