import { Field, flag } from '../../http/index.js';
import { LLMDto, llm } from '../dto/llm.dto.js';
import { profileName } from '../dto/profile-name.js';

/** An LLM to store. */
export class SaveProfileRequestDto {
  @Field(llm(''))
  llm!: LLMDto;

  @Field(flag(), 'Store its secrets, too.')
  include_secrets = true;
}

/** An LLM to validate. */
export class ValidateProfileRequestDto {
  @Field(llm(''))
  llm!: LLMDto;
}

/** The new name of an LLM profile. */
export class RenameProfileRequestDto {
  @Field(profileName)
  new_name!: string;
}

/** The new name of an agent profile. */
export class RenameAgentProfileRequestDto {
  @Field(profileName)
  new_name!: string;
}
