import { Embedded, Field, mapOf, nullable, text } from '../../../http/index.js';
import { LLMDto, llm } from '../../../settings/index.js';
import { confirmationPolicy, secretSourceOrText, securityAnalyzer } from './policies.dto.js';

/** The new confirmation policy. */
export class SetConfirmationPolicyRequestDto {
  @Field(confirmationPolicy)
  policy!: object;
}

/** The new security analyzer; null removes it. */
export class SetSecurityAnalyzerRequestDto {
  @Field(nullable(securityAnalyzer))
  security_analyzer!: object | null;
}

/** Secrets to add or replace, by name. */
export class UpdateSecretsRequestDto {
  @Field(mapOf(secretSourceOrText), 'A plain text, an object with a `value`, or a secret source.')
  secrets!: Map<string, object>;
}

/** The new model. */
@Embedded()
export class SwitchLLMRequestDto {
  @Field(llm(''), 'Secrets may be sent as tokens that this server encrypted.')
  llm!: LLMDto;
}

/** The LLM profile to switch to. */
@Embedded()
export class SwitchProfileRequestDto {
  @Field(text())
  profile_name!: string;
}

/** The model of an ACP agent to switch to. */
@Embedded()
export class SwitchACPModelRequestDto {
  @Field(text())
  model!: string;
}

/** A plugin of a registered marketplace. */
@Embedded()
export class LoadPluginRequestDto {
  @Field(text(), '`plugin@marketplace`, or the name of the plugin alone.')
  plugin_ref!: string;
}

/** A question about the conversation. */
export class AskAgentRequestDto {
  @Field(text())
  question!: string;
}
