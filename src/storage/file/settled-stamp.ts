/**
 * Within this time (ms) after a change another one may leave the same time stamp. Some file systems count
 * seconds; where a stamp has a fraction it is of the kernel's last tick, and those come at least a hundred
 * times a second.
 */
const TIMESTAMP_GRAIN_MS = 1_000;
export const TICK_MS = 50;

/** Whether a change after this moment would leave another time stamp than this one. */
export function isSettled(stamp: number, moment: number): boolean {
  return stamp < moment - (stamp % 1_000 === 0 ? TIMESTAMP_GRAIN_MS : TICK_MS);
}
