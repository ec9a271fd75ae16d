import { asJsonObject, type JsonObject } from '../../json/index.js';
import type { ResolvedReferences } from './profile-references.js';

/**
 * What the settings of an agent say that an agent profile of this server describes. Secrets in clear.
 * @param profile as it is stored: older files do not have all fields, and what is absent has its default
 */
export function settingsFromProfile(
  profile: JsonObject,
  llm: JsonObject,
  { servers, criticKey, meta, metaLlms, publicSkills }: ResolvedReferences,
): JsonObject {
  const { persona, condenser, tool_concurrency_limit, system_message_suffix, disabled_skills } = profile;
  const { tools, enable_classify_and_switch_llm_tool, meta_profile_ref, verification } = profile;
  const own = { tools, persona, condenser, tool_concurrency_limit, enable_classify_and_switch_llm_tool };
  return {
    ...definedFields(own),
    // Somebody watches: what the model says is shown while it says it.
    llm: { ...llm, stream: true },
    ...(verification !== undefined && {
      verification: { ...asJsonObject(verification), critic_api_key: criticKey },
    }),
    ...definedFields({ active_meta_profile: meta_profile_ref }),
    ...(meta && { meta_profile: meta, meta_profile_llms: metaLlms }),
    mcp_config: servers,
    agent_context: {
      ...definedFields({ system_message_suffix, disabled_skills }),
      skills: publicSkills,
      load_project_skills: true,
    },
  };
}

/** Fields without those that are not there. */
export function definedFields(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
