import { Field, flag } from '../../http/index.js';
import { LLMDto, llm } from '../dto/llm.dto.js';
import { profileName } from '../dto/profile-name.js';

/** An LLM to store. */
export class SaveProfileRequestDto {
  @Field(llm(''), 'The model and how to call it. A masked secret keeps its stored value.')
  llm!: LLMDto;

  @Field(flag(), 'Store its secrets, too; false: store it without them.')
  include_secrets = true;
}

/** An LLM to validate. */
export class ValidateProfileRequestDto {
  @Field(llm(''), 'The model to try. A masked secret is taken from the stored profile.')
  llm!: LLMDto;
}

/** The new name of an LLM profile. */
export class RenameProfileRequestDto {
  @Field(profileName, 'New name: letters, digits, `.`, `_` and `-`; the first is a letter or a digit.')
  new_name!: string;
}

/** The new name of an agent profile. */
export class RenameAgentProfileRequestDto {
  @Field(profileName, 'New name: letters, digits, `.`, `_` and `-`; the first is a letter or a digit.')
  new_name!: string;
}
