import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { ConversationIdPipe, documentSchemas, objectSchema, Operation } from '../../http/index.js';
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
import { toLlmConfig } from '../../settings/index.js';
import { DONE, SUCCESS } from './answers.js';
import { toSecretSources, withKind } from './dto/to-start-request.js';
import { ACP_CONVERSATION, MARKETPLACE_CONVERSATION } from './examples.js';
import { SteeringService } from '../steering/steering.service.js';

const tag = 'Conversations';

documentSchemas(() =>
  Promise.resolve({
    AskAgentResponse: objectSchema({ response: [{ type: 'string' }, 'The answer to the question.'] }),
  }),
);

/**
 * Changes of an existing conversation over REST: policies, secrets, models, plugins. Also answers questions.
 */
@Controller(['api/conversations/:conversation_id', 'conversations/:conversation_id'])
export class SteeringController {
  constructor(private readonly steering: SteeringService) {}

  @Post('confirmation_policy')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Set the confirmation policy',
    description: 'Applies from the next action on, and is kept for later runs.',
    body: {
      schema: SetConfirmationPolicyRequestDto,
      example: { policy: { kind: 'ConfirmRisky', threshold: 'HIGH' } },
    },
    answers: DONE,
  })
  async setConfirmationPolicy(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { policy }: SetConfirmationPolicyRequestDto,
  ): Promise<typeof SUCCESS> {
    await this.steering.setConfirmationPolicy(id, withKind(policy));
    return SUCCESS;
  }

  @Post('security_analyzer')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Set the security analyzer',
    description: 'Applies from the next answer of the model on, and is kept for later runs.',
    body: {
      schema: SetSecurityAnalyzerRequestDto,
      example: { security_analyzer: { kind: 'PatternSecurityAnalyzer' } },
    },
    answers: DONE,
  })
  async setSecurityAnalyzer(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { security_analyzer }: SetSecurityAnalyzerRequestDto,
  ): Promise<typeof SUCCESS> {
    await this.steering.setSecurityAnalyzer(id, security_analyzer && withKind(security_analyzer));
    return SUCCESS;
  }

  @Post('secrets')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Add secrets',
    description:
      'A command that contains the name of a secret gets it as an environment variable. The value is masked in ' +
      'everything that the agent or a client reads.',
    body: {
      schema: UpdateSecretsRequestDto,
      example: { secrets: { API_TOKEN: { kind: 'StaticSecret', value: 'not-a-real-token' } } },
    },
    answers: DONE,
  })
  async addSecrets(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { secrets }: UpdateSecretsRequestDto,
  ): Promise<typeof SUCCESS> {
    await this.steering.addSecrets(id, toSecretSources(secrets));
    return SUCCESS;
  }

  @Post('switch_llm')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: "Replace the agent's model",
    description: 'Applies from the next call of the model on. The conversation keeps the model.',
    body: { schema: SwitchLLMRequestDto, example: { llm: { model: 'scripted/other' } } },
    answers: DONE,
  })
  async switchLlm(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() body: SwitchLLMRequestDto,
  ): Promise<typeof SUCCESS> {
    await this.steering.switchLlm(id, toLlmConfig(body.llm));
    return SUCCESS;
  }

  @Post('switch_profile')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: "Replace the agent's model by that of an LLM profile",
    description:
      'Applies from the next call of the model on. Later changes of the profile have no effect on the ' +
      'conversation.',
    body: { schema: SwitchProfileRequestDto, example: { profile_name: 'demo' }, after: ['LlmProfiles_save'] },
    answers: DONE,
    errors: {
      400: 'The profile cannot be used, or its name is invalid.',
      404: 'There is no LLM profile with this name.',
    },
  })
  async switchProfile(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { profile_name }: SwitchProfileRequestDto,
  ): Promise<typeof SUCCESS> {
    await this.steering.switchProfile(id, profile_name);
    return SUCCESS;
  }

  @Post('switch_acp_model')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Replace the model of an ACP agent',
    description:
      'The model id is one of those that the agent offers. A running agent switches at once, another one when it starts.',
    values: { conversation_id: ACP_CONVERSATION },
    body: {
      schema: SwitchACPModelRequestDto,
      example: { model: 'sonnet' },
      after: ['Conversations_create#acp'],
    },
    answers: DONE,
    errors: {
      400: 'The conversation has no ACP agent, or the agent does not know the model or cannot switch.',
      504: 'The agent did not answer in time.',
    },
  })
  async switchAcpModel(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { model }: SwitchACPModelRequestDto,
  ): Promise<typeof SUCCESS> {
    await this.steering.switchAcpModel(id, model);
    return SUCCESS;
  }

  @Post('load_plugin')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Load a plugin of a registered marketplace',
    description:
      'The reference is `plugin@marketplace` or the name alone. The plugin takes effect with the next step. Loading it ' +
      'again changes nothing.',
    values: { conversation_id: MARKETPLACE_CONVERSATION },
    body: {
      schema: LoadPluginRequestDto,
      example: { plugin_ref: 'greetings@local' },
      after: ['Bash_execute#plugin', 'Conversations_create#marketplace'],
    },
    answers: DONE,
    errors: {
      400: 'The marketplace or the plugin cannot be read.',
      404: 'No registered marketplace has this plugin, or none is registered.',
    },
  })
  async loadPlugin(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { plugin_ref }: LoadPluginRequestDto,
  ): Promise<typeof SUCCESS> {
    await this.steering.loadPlugin(id, plugin_ref);
    return SUCCESS;
  }

  @Post('ask_agent')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Ask about the conversation',
    description: 'Also possible during a run. Question and answer do not become part of the conversation.',
    body: {
      schema: AskAgentRequestDto,
      example: { question: 'What have you done?\nSAY: I have written hello.txt.' },
    },
    answers: { 200: { description: "The answer of the agent's model as text.", schema: 'AskAgentResponse' } },
    errors: {
      400: 'The agent failed to answer.',
      409: 'The budget of the conversation is spent.',
      504: 'The agent did not answer in time.',
    },
  })
  async ask(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { question }: AskAgentRequestDto,
  ): Promise<{ response: string }> {
    return { response: await this.steering.ask(id, question) };
  }
}
