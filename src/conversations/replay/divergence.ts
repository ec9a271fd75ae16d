import { createTwoFilesPatch } from 'diff';

/** What went another way. */
export type DivergenceKind =
  'system_prompt' | 'context' | 'tool' | 'message' | 'call' | 'result' | 'condensation' | 'status';

/** A place where the replay went another way than the recorded conversation. */
export interface Divergence {
  /** The answer of the model it belongs to, from 1; 0: before the first answer. */
  step: number;
  kind: DivergenceKind;
  summary: string;
  /** The name of the tool, if it is about one. */
  tool: string | null;
  /** The event of the recorded log. */
  event_id: string | null;
  /** A unified diff from what was recorded to what it is now. */
  diff: string | null;
}

/** Longest diff (characters), and how much work it may be. */
const MAX_DIFF = 16_000;
const MAX_EDITS = 2_000;
const CONTEXT_LINES = 3;

/** A unified diff from a recorded text to that of the replay. */
export function diffOf(recorded: string, replayed: string): string {
  const options = { context: CONTEXT_LINES, maxEditLength: MAX_EDITS, timeout: 2_000 };
  const patch = createTwoFilesPatch(
    ...(['recorded', 'replayed', `${recorded}\n`, `${replayed}\n`, '', ''] as const),
    options,
  );
  // Undefined if the texts have too little in common.
  const text = patch ?? `--- recorded\n${recorded}\n+++ replayed\n${replayed}`;
  const lines = text.replace(/^=+\n/, '').trimEnd();
  return lines.length <= MAX_DIFF ? lines : `${lines.slice(0, MAX_DIFF)}\n… (cut)`;
}
