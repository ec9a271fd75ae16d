/** How many turns of the event loop others have until some work is done. */
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
