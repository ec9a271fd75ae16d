import type { ActionEvent, SecurityRisk } from '../../events/index.js';
import type { JsonObject } from '../../json/index.js';
import { isAtLeast } from './risk.js';

/** Tools that only talk: alone in an answer they are neither judged nor confirmed. */
const HARMLESS_TOOLS = ['finish', 'think'];

/** Whether there is nothing to look at: no action, or a single one that does nothing. */
export function isHarmless(actions: readonly ActionEvent[]): boolean {
  return (
    actions.length === 0 || (actions.length === 1 && HARMLESS_TOOLS.includes(actions[0]?.tool_name ?? ''))
  );
}

/**
 * Whether a person has to agree before these actions are executed. A batch is confirmed as a whole if any of
 * its actions needs it; a single `finish` or `think` never does.
 * @param riskOf what the analyzer found; UNKNOWN for all without one
 */
export function needsConfirmation(
  policy: JsonObject & { kind: string },
  actions: readonly ActionEvent[],
  riskOf: (action: ActionEvent) => SecurityRisk,
): boolean {
  if (isHarmless(actions)) return false;
  switch (policy.kind) {
    case 'AlwaysConfirm':
      return true;
    case 'ConfirmRisky':
      return actions.some((action) => isRisky(policy, riskOf(action)));
    default:
      return false;
  }
}

function isRisky(policy: JsonObject, risk: SecurityRisk): boolean {
  if (risk === 'UNKNOWN') return policy['confirm_unknown'] !== false;
  const threshold = policy['threshold'];
  return isAtLeast(risk, threshold === 'LOW' || threshold === 'MEDIUM' ? threshold : 'HIGH');
}
