import type { SecurityRisk } from '../../events/index.js';

/** From harmless to dangerous; UNKNOWN has no place in the order. */
const LEVEL: Record<Exclude<SecurityRisk, 'UNKNOWN'>, number> = { LOW: 1, MEDIUM: 2, HIGH: 3 };

/** Whether a known risk is at least as high as another; UNKNOWN never is, and nothing is compared with it. */
export function isAtLeast(risk: SecurityRisk, threshold: SecurityRisk): boolean {
  return risk !== 'UNKNOWN' && threshold !== 'UNKNOWN' && LEVEL[risk] >= LEVEL[threshold];
}

/** The highest known risk; UNKNOWN when none is known. */
export function highestRisk(risks: readonly SecurityRisk[]): SecurityRisk {
  return risks.reduce<SecurityRisk>(
    (top, risk) => (top === 'UNKNOWN' || isAtLeast(risk, top) ? risk : top),
    'UNKNOWN',
  );
}
