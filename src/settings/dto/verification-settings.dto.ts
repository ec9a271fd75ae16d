import { Field } from '../../http/validation/field.js';
import {
  choice,
  decimal,
  flag,
  integer,
  nullable,
  shortText,
  text,
} from '../../http/validation/field-type.js';
import { secretText } from './secret-text.js';

/** Whether a critic judges the work of the agent, without its key. */
export class ProfileVerificationSettingsDto {
  @Field(flag(), 'Let a critic judge what the agent did.')
  critic_enabled = false;

  @Field(choice(['finish_and_message', 'all_actions']), 'When it judges: at the end, or after every action.')
  critic_mode = 'finish_and_message';

  @Field(flag(), 'Let the agent go on while the critic is not content.')
  enable_iterative_refinement = false;

  @Field(decimal({ ge: 0, le: 1 }), 'From this score on the critic is content.')
  critic_threshold = 0.6;

  @Field(integer({ ge: 1 }), 'How often the agent goes on at most.')
  max_refinement_iterations = 3;

  @Field(nullable(shortText()), 'The address of the critic.')
  critic_server_url: string | null = null;

  @Field(nullable(text()), 'The model of the critic.')
  critic_model_name: string | null = null;
}

/** Whether a critic judges the work of the agent. */
export class VerificationSettingsDto extends ProfileVerificationSettingsDto {
  @Field(secretText(), 'The key of the critic.')
  critic_api_key: string | null = null;
}
