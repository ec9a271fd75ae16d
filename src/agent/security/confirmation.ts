import type { ActionEvent, SecurityRisk } from '../../events/index.js';
import type { JsonObject } from '../../json/index.js';
import { isAtLeast } from './risk.js';

/** Tools without effects: alone in an answer they are neither analysed nor confirmed. */
const HARMLESS_TOOLS = ['finish', 'think'];

/** Whether no approval is needed: no action, or a single one without effects. */
export function isHarmless(actions: readonly ActionEvent[]): boolean {
  return (
    actions.length === 0 || (actions.length === 1 && HARMLESS_TOOLS.includes(actions[0]?.tool_name ?? ''))
  );
}

/**
 * Whether a person has to approve these actions. A batch is approved as a whole if any action requires it; a
 * single `finish` or `think` never does.
 * @param riskOf the risk found by the analyzer; UNKNOWN for all without one
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
