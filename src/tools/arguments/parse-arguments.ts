import { isJsonObject, decodeJson, JsonDecodeError } from '../../json/index.js';

/** The arguments of a call, or why its text is not valid JSON. */
type ParsedArguments =
  /** `omitted`: the names of the arguments that were null. */
  { ok: true; args: Record<string, unknown>; omitted: string[] } | { ok: false; error: string };

/** Misspellings of `security_risk` that models produce. */
const RISK_TYPOS = ['security_rort', 'securtiy_risk', 'security_riks'];

/**
 * Parses the JSON text of a tool call and repairs common mistakes of models: raw control characters in
 * strings, JSON that is not an object (treated as no arguments), null for an omitted argument, and
 * misspellings of `security_risk`. Never throws.
 */
export function parseArguments(rawJson: string): ParsedArguments {
  let value: unknown;
  try {
    value = decodeJson(rawJson);
  } catch (error) {
    if (error instanceof JsonDecodeError) return { ok: false, error: error.message };
    throw error;
  }
  if (!isJsonObject(value)) return { ok: true, args: {}, omitted: [] };
  const entries = Object.entries(value);
  const given = Object.fromEntries(entries.filter(([, field]) => field !== null));
  const omitted = entries.filter(([, field]) => field === null).map(([name]) => name);
  return { ok: true, args: correctRiskName(given), omitted };
}

function correctRiskName(args: Record<string, unknown>): Record<string, unknown> {
  let repaired = args;
  for (const typo of RISK_TYPOS) {
    if (!Object.hasOwn(repaired, typo)) continue;
    const { [typo]: risk, ...rest } = repaired;
    repaired = { ...rest, security_risk: risk };
  }
  return repaired;
}
