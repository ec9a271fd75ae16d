import type { JsonObject } from '../../json/index.js';

/**
 * Those of some secrets that the profile of an agent lets it have: `secret_refs` names them, whatever they
 * are looked up from; null, or no profile, lets it have all.
 * @param launched the `launched_agent_profile` of the conversation
 */
export function inScope<T>(
  secrets: Readonly<Record<string, T>>,
  launched: JsonObject | null,
): Record<string, T> {
  const refs = launched?.['secret_refs'];
  if (!Array.isArray(refs)) return { ...secrets };
  return Object.fromEntries(Object.entries(secrets).filter(([name]) => refs.includes(name)));
}
