/** Of what an agent prints besides messages, more is not logged (characters). */
const MAX_DEBUG = 100_000;

/** Says the beginning of what there is to say. */
export function limited(say: (text: string) => void): (text: string) => void {
  let left = MAX_DEBUG;
  return (text) => {
    if (left <= 0) return;
    left -= text.length;
    say(
      left > 0 ? text : `${text.slice(0, left + text.length)} … (what else the agent prints is not logged)`,
    );
  };
}
