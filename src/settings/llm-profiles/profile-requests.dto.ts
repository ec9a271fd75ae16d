import { Field } from '../../http/validation/field.js';
import { flag } from '../../http/validation/field-type.js';
import { LLMDto, llm } from '../dto/llm.dto.js';
import { profileName } from '../dto/profile-name.js';

/** An LLM to store. */
export class SaveProfileRequestDto {
  @Field(llm(''))
  llm!: LLMDto;

  @Field(flag(), 'Whether to store its secrets, too.')
  include_secrets = true;
}

/** An LLM to try. */
export class ValidateProfileRequestDto {
  @Field(llm(''))
  llm!: LLMDto;
}

/** Another name. */
export class RenameProfileRequestDto {
  @Field(profileName)
  new_name!: string;
}

/** Another name for an agent profile. */
export class RenameAgentProfileRequestDto {
  @Field(profileName)
  new_name!: string;
}
