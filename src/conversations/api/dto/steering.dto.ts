import { Embedded, Field, mapOf, nullable, text } from '../../../http/index.js';
import { LLMDto, llm } from '../../../settings/index.js';
import { confirmationPolicy, secretSourceOrText, securityAnalyzer } from './policies.dto.js';

/** The new confirmation policy. */
export class SetConfirmationPolicyRequestDto {
  @Field(confirmationPolicy, 'Before which actions the agent waits for a confirmation from now on.')
  policy!: object;
}

/** The new security analyzer; null removes it. */
export class SetSecurityAnalyzerRequestDto {
  @Field(nullable(securityAnalyzer), 'How the risk of actions is assessed from now on; null: not at all.')
  security_analyzer!: object | null;
}

/** Secrets to add or replace, by name. */
export class UpdateSecretsRequestDto {
  @Field(
    mapOf(secretSourceOrText),
    'Secrets to add or replace, by name: a plain text, an object with a `value`, or a secret source.',
  )
  secrets!: Map<string, object>;
}

/** The new model. */
@Embedded()
export class SwitchLLMRequestDto {
  @Field(llm(''), 'The new model. Secrets may be sent as tokens that this server encrypted.')
  llm!: LLMDto;
}

/** The LLM profile to switch to. */
@Embedded()
export class SwitchProfileRequestDto {
  @Field(text(), 'Name of the LLM profile with the new model.')
  profile_name!: string;
}

/** The model of an ACP agent to switch to. */
@Embedded()
export class SwitchACPModelRequestDto {
  @Field(text(), 'Id of the new model, one of those that the agent offers.')
  model!: string;
}

/** A plugin of a registered marketplace. */
@Embedded()
export class LoadPluginRequestDto {
  @Field(text(), 'The plugin as `plugin@marketplace`, or its name alone.')
  plugin_ref!: string;
}

/** A question about the conversation. */
export class AskAgentRequestDto {
  @Field(text(), "Question about the conversation, which the agent's model answers.")
  question!: string;
}
