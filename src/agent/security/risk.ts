import type { SecurityRisk } from '../../events/index.js';

/** Order of the known risks; UNKNOWN is not part of it. */
const LEVEL: Record<Exclude<SecurityRisk, 'UNKNOWN'>, number> = { LOW: 1, MEDIUM: 2, HIGH: 3 };

/** Whether a risk is at least as high as another; false if either is UNKNOWN. */
export function isAtLeast(risk: SecurityRisk, threshold: SecurityRisk): boolean {
  return risk !== 'UNKNOWN' && threshold !== 'UNKNOWN' && LEVEL[risk] >= LEVEL[threshold];
}

/** The highest known risk; UNKNOWN if none is known. */
export function highestRisk(risks: readonly SecurityRisk[]): SecurityRisk {
  return risks.reduce<SecurityRisk>(
    (top, risk) => (top === 'UNKNOWN' || isAtLeast(risk, top) ? risk : top),
    'UNKNOWN',
  );
}
