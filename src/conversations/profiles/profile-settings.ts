import { asJsonObject, type JsonObject } from '../../json/index.js';
import type { ResolvedReferences } from './profile-references.js';

/**
 * Creates agent settings from a profile of a built-in agent. Secrets in clear.
 * @param profile as stored; fields that older files do not have get their defaults
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
    // Conversations are watched: answers are streamed.
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

/** Leaves out undefined fields. */
export function definedFields(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
