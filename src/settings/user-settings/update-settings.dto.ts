import { Field, type FieldType, anyObject, nullable, text } from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';
import { PROFILE_NAME } from '../dto/profile-name.js';

const UUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;
const profile = (): FieldType => nullable(text({ pattern: PROFILE_NAME }));
const changes = (): FieldType => nullable(anyObject({ secret: true }));

/** Changes of the settings. */
export class SettingsUpdateRequestDto {
  @Field(changes(), 'A JSON merge patch; null resets a field to its default.')
  agent_settings_diff: JsonObject | null = null;

  @Field(changes(), 'A JSON merge patch.')
  conversation_settings_diff: JsonObject | null = null;

  @Field(changes(), 'A JSON merge patch of the settings of clients.')
  misc_settings_diff: JsonObject | null = null;

  @Field(profile(), 'The LLM profile whose model the settings use; null: none.', {
    optional: true,
  })
  active_profile?: string | null;

  @Field(nullable(text({ pattern: UUID })), 'The id of the agent profile of new conversations; null: none.', {
    optional: true,
  })
  active_agent_profile_id?: string | null;

  @Field(profile(), 'The meta-profile that chooses models; null: none.', { optional: true })
  active_meta_profile?: string | null;
}
