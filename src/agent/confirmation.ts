import type { ActionEvent, SecurityRisk } from '../events/index.js';
import type { JsonObject } from './agent-spec.js';

const RISK_LEVEL: Record<Exclude<SecurityRisk, 'UNKNOWN'>, number> = { LOW: 1, MEDIUM: 2, HIGH: 3 };

/**
 * Whether a person has to agree before these actions are executed. A batch is confirmed as a whole if any of its
 * actions needs it; a single `finish` or `think` never does.
 */
export function needsConfirmation(
  policy: JsonObject & { kind: string },
  actions: readonly ActionEvent[],
): boolean {
  if (actions.length === 0) return false;
  if (actions.length === 1 && ['finish', 'think'].includes(actions[0]?.tool_name ?? '')) return false;
  switch (policy.kind) {
    case 'AlwaysConfirm':
      return true;
    case 'ConfirmRisky':
      return actions.some((action) => isRisky(policy, action.security_risk));
    default:
      return false;
  }
}

function isRisky(policy: JsonObject, risk: SecurityRisk): boolean {
  if (risk === 'UNKNOWN') return policy['confirm_unknown'] !== false;
  const threshold = policy['threshold'];
  const limit = threshold === 'LOW' || threshold === 'MEDIUM' ? RISK_LEVEL[threshold] : RISK_LEVEL.HIGH;
  return RISK_LEVEL[risk] >= limit;
}
