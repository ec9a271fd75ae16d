import type { Automation, Variant } from '../definitions/automation.js';
import type { AutomationRun } from './automation-run.js';

/**
 * The variant of a run: the one that it has, or one that is chosen by the weights. The same run gets the same
 * one each time; undefined without variants.
 */
export function variantOf(
  { variants }: Pick<Automation, 'variants'>,
  { id, variant: name }: Pick<AutomationRun, 'id' | 'variant'>,
): Variant | undefined {
  const known = variants.find((variant) => variant.name === name);
  if (known) return known;
  const total = variants.reduce((sum, { weight }) => sum + weight, 0);
  let left = (Number.parseInt(id.slice(-8), 16) / 0x1_0000_0000) * total;
  // The last one, where rounding leaves something.
  return variants.find(({ weight }) => (left -= weight) < 0) ?? variants.at(-1);
}
