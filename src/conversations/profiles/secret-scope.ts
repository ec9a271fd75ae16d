import type { JsonObject } from '../../json/index.js';

/**
 * The secrets that an agent profile allows: those in its `secret_refs`. Null, or no profile, allows all.
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
