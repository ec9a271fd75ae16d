import { Field, choice, decimal, flag, integer, nullable, shortText, text } from '../../http/index.js';
import { secretText } from './secret-text.js';

/** Critic settings without the API key. */
export class ProfileVerificationSettingsDto {
  @Field(flag(), 'Let a critic evaluate the work of the agent.')
  critic_enabled = false;

  @Field(
    choice(['finish_and_message', 'all_actions']),
    'When the critic runs: `finish_and_message` when the agent ends its turn, `all_actions` after every ' +
      'action.',
  )
  critic_mode = 'finish_and_message';

  @Field(flag(), 'Let the agent continue while the score is below the threshold.')
  enable_iterative_refinement = false;

  @Field(decimal({ ge: 0, le: 1 }), 'Score from 0 to 1 from which the work is accepted.')
  critic_threshold = 0.6;

  @Field(
    integer({ ge: 1 }),
    'Maximum number of times that the agent is asked to continue after one user message.',
  )
  max_refinement_iterations = 3;

  @Field(nullable(shortText()), 'URL of the critic service; null: that of All Hands.')
  critic_server_url: string | null = null;

  @Field(nullable(text()), 'Model that the critic service uses; null: its default.')
  critic_model_name: string | null = null;
}

/** Critic settings. */
export class VerificationSettingsDto extends ProfileVerificationSettingsDto {
  @Field(
    secretText(),
    "API key of the critic service; null: that of the agent's model, if the service has a URL of its own or " +
      'the model is one of All Hands. Without a key there is no critic.',
  )
  critic_api_key: string | null = null;
}
