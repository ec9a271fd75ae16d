/**
 * Resolution of file times (ms): two changes within this time may have the same time. Some file systems store
 * whole seconds; others use the kernel's tick, which is at most 10 ms.
 */
const WHOLE_SECOND_MS = 1_000;
export const TICK_MS = 50;

/** Whether a change after `moment` would give the file another time than `stamp` (both in ms). */
export function isSettled(stamp: number, moment: number): boolean {
  return stamp < moment - (stamp % 1_000 === 0 ? WHOLE_SECOND_MS : TICK_MS);
}
