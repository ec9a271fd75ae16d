import { type AutomationIdentity, type AutomationStore, KEPT_RUNS } from '../../storage/index.js';

/** Runs that are written at a time. */
const BATCH = 100;

/**
 * Copies automations with their runs. Those that were copied before are left alone: they may have gone on.
 * @returns how many were copied, or would be
 */
export async function moveAutomations(
  from: AutomationStore,
  to: AutomationStore,
  dryRun: boolean,
): Promise<{ found: number; copied: number }> {
  const all = await from.list();
  let copied = 0;
  for (const { id, definition, state } of dryRun ? [] : all) {
    const isThere = (others: readonly AutomationIdentity[]): string | undefined =>
      others.find((one) => one.id === id)?.id;
    const { created } = await to.create({ id, definition, state }, isThere);
    if (!created) continue;
    copied += 1;
    const { runs = [] } = (await from.runs(id, 0, KEPT_RUNS)) ?? {};
    runs.reverse();
    for (let start = 0; start < runs.length; start += BATCH)
      await to.change(id, [], () => ({ change: { runs: runs.slice(start, start + BATCH) }, result: true }));
  }
  return { found: all.length, copied };
}
