/** The rate is that of so much time (ms). */
const WINDOW_MS = 60_000;
/** Before so much time was observed there is no rate (ms). */
const MIN_MS = 5_000;
const MAX_SAMPLES = 64;

interface Sample {
  at: number;
  tokens: number;
}

/** How many tokens a minute conversations use, from what this page has seen of them. */
export class TokenRates {
  private readonly samples = new Map<string, Sample[]>();

  /** Notes the tokens of a conversation. Only those with an active run are observed. */
  note(summary: { id: string; activity: unknown; prompt_tokens: number; completion_tokens: number }): void {
    const { id, activity } = summary;
    if (activity === null) return this.forget(id);
    const samples = this.samples.get(id) ?? [];
    const tokens = summary.prompt_tokens + summary.completion_tokens;
    if (samples.at(-1)?.tokens === tokens) return;
    samples.push({ at: performance.now(), tokens });
    if (samples.length > MAX_SAMPLES) samples.shift();
    this.samples.set(id, samples);
  }

  forget(id: string): void {
    this.samples.delete(id);
  }

  /** Tokens a minute; undefined if not enough was observed. */
  of(id: string): number | undefined {
    const samples = this.samples.get(id);
    const last = samples?.at(-1);
    if (!samples || !last) return undefined;
    const now = performance.now();
    // The last one before the window says how many there were at its beginning.
    const first = samples.findLast(({ at }) => now - at >= WINDOW_MS) ?? samples[0];
    if (!first || now - first.at < MIN_MS) return undefined;
    const elapsed = Math.min(now - first.at, WINDOW_MS);
    return ((last.tokens - first.tokens) / elapsed) * 60_000;
  }
}
