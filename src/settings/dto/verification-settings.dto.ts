import { Field, choice, decimal, flag, integer, nullable, shortText, text } from '../../http/index.js';
import { secretText } from './secret-text.js';

/** Critic settings without the API key. */
export class ProfileVerificationSettingsDto {
  @Field(flag(), 'Let a critic evaluate the work of the agent.')
  critic_enabled = false;

  @Field(
    choice(['finish_and_message', 'all_actions']),
    'When the critic runs: at the end, or after every action.',
  )
  critic_mode = 'finish_and_message';

  @Field(flag(), 'Let the agent continue while the score is below the threshold.')
  enable_iterative_refinement = false;

  @Field(decimal({ ge: 0, le: 1 }), 'The score from which the work is accepted.')
  critic_threshold = 0.6;

  @Field(integer({ ge: 1 }), 'Maximum number of refinements.')
  max_refinement_iterations = 3;

  @Field(nullable(shortText()), 'The URL of the critic service.')
  critic_server_url: string | null = null;

  @Field(nullable(text()), 'The model of the critic.')
  critic_model_name: string | null = null;
}

/** Critic settings. */
export class VerificationSettingsDto extends ProfileVerificationSettingsDto {
  @Field(secretText(), 'The API key of the critic service.')
  critic_api_key: string | null = null;
}
