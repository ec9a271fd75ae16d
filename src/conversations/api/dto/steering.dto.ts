import { Embedded, Field } from '../../../http/validation/field.js';
import { mapOf, nullable, text } from '../../../http/validation/field-type.js';
import { LLMDto, llm } from '../../../settings/dto/llm.dto.js';
import { confirmationPolicy, secretSourceOrText, securityAnalyzer } from './policies.dto.js';

/** When the agent asks before it acts. */
export class SetConfirmationPolicyRequestDto {
  @Field(confirmationPolicy)
  policy!: object;
}

/** Who judges the risk of actions; null: nobody. */
export class SetSecurityAnalyzerRequestDto {
  @Field(nullable(securityAnalyzer))
  security_analyzer!: object | null;
}

/** Secrets by name; those of other names stay. */
export class UpdateSecretsRequestDto {
  @Field(mapOf(secretSourceOrText), 'A plain text, an object with a `value`, or a secret source.')
  secrets!: Map<string, object>;
}

/** Another model for the steps to come. */
@Embedded()
export class SwitchLLMRequestDto {
  @Field(llm(''), 'Secrets may be given as tokens that this server has made.')
  llm!: LLMDto;
}

/** A stored model for the steps to come. */
@Embedded()
export class SwitchProfileRequestDto {
  @Field(text())
  profile_name!: string;
}

/** A model of an agent that runs outside of this server. */
@Embedded()
export class SwitchACPModelRequestDto {
  @Field(text())
  model!: string;
}

/** A plugin of a registered marketplace. */
@Embedded()
export class LoadPluginRequestDto {
  @Field(text(), 'plugin@marketplace')
  plugin_ref!: string;
}

/** A question about the conversation. */
export class AskAgentRequestDto {
  @Field(text())
  question!: string;
}
