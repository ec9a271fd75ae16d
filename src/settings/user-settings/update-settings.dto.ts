import { Field, type FieldType, anyObject, nullable, text } from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';
import { PROFILE_NAME } from '../dto/profile-name.js';

const UUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;
const profile = (): FieldType => nullable(text({ pattern: PROFILE_NAME }));
const changes = (): FieldType => nullable(anyObject({ secret: true }));

/** Changes of the settings. */
export class SettingsUpdateRequestDto {
  @Field(
    changes(),
    'Changes of the agent settings as a JSON merge patch; null in it resets a field to its default. Null: no ' +
      'change.',
  )
  agent_settings_diff: JsonObject | null = null;

  @Field(changes(), 'Changes of the conversation settings as a JSON merge patch. Null: no change.')
  conversation_settings_diff: JsonObject | null = null;

  @Field(changes(), 'Changes of the data that clients store, as a JSON merge patch. Null: no change.')
  misc_settings_diff: JsonObject | null = null;

  @Field(
    profile(),
    'Name of the LLM profile whose model the settings use; null: none; missing: not changed.',
    {
      optional: true,
    },
  )
  active_profile?: string | null;

  @Field(
    nullable(text({ pattern: UUID })),
    'Id of the agent profile of new conversations; null: none; missing: not changed.',
    {
      optional: true,
    },
  )
  active_agent_profile_id?: string | null;

  @Field(profile(), 'Name of the meta-profile that chooses models; null: none; missing: not changed.', {
    optional: true,
  })
  active_meta_profile?: string | null;
}
