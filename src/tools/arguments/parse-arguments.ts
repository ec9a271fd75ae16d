import { isJsonObject, decodeJson, JsonDecodeError } from '../../json/index.js';

/** The arguments of a call as an object, or why its text is not JSON. */
export type ParsedArguments = { ok: true; args: Record<string, unknown> } | { ok: false; error: string };

/** Spellings of `security_risk` that models are known to produce. */
const RISK_TYPOS = ['security_rort', 'securtiy_risk', 'security_riks'];

/**
 * Reads the JSON text of a tool call and repairs what models get wrong: raw control characters inside
 * strings, JSON that is not an object (counts as no arguments), nulls for "not given", and misspelt
 * `security_risk`. Never throws.
 */
export function parseArguments(rawJson: string): ParsedArguments {
  let value: unknown;
  try {
    value = decodeJson(rawJson);
  } catch (error) {
    if (error instanceof JsonDecodeError) return { ok: false, error: error.message };
    throw error;
  }
  if (!isJsonObject(value)) return { ok: true, args: {} };
  const given = Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
  return { ok: true, args: respellRisk(given) };
}

function respellRisk(args: Record<string, unknown>): Record<string, unknown> {
  let repaired = args;
  for (const typo of RISK_TYPOS) {
    if (!Object.hasOwn(repaired, typo)) continue;
    const { [typo]: risk, ...rest } = repaired;
    repaired = { ...rest, security_risk: risk };
  }
  return repaired;
}
