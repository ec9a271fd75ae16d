/** Counts the turns of the event loop that other work gets until a promise settles. */
export async function turnsOf(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  const turn = (): void => {
    turns += 1;
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);
  await work;
  clearImmediate(next);
  return turns;
}
