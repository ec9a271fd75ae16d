import { isJsonObject, tryParseJson, type JsonObject } from '../../json/index.js';

/** The decision in a hook's output. */
export interface HookDecision {
  denies: boolean;
  reason?: string;
  context?: string;
}

/** Parses the JSON object that a command printed. Any other output allows. */
export function parseCommandOutput(output: string): HookDecision {
  const answer = parseObject(output.trim());
  if (!answer) return { denies: false };
  const { decision, reason, additionalContext, continue: continues } = answer;
  return {
    denies: decision === 'deny' || decision === 'block' || continues === false,
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof additionalContext === 'string' ? { context: additionalContext } : {}),
  };
}

/**
 * Parses a model's decision: the first JSON object in its text. Undefined without a decision, which counts as
 * `allow`.
 */
export function parseModelDecision(text: string): HookDecision | undefined {
  const start = text.indexOf('{');
  const end = text.lastIndexOf('}');
  const answer = start === -1 ? undefined : parseObject(text.slice(start, end + 1));
  const decision = answer?.['decision'];
  if (decision !== 'allow' && decision !== 'deny') return undefined;
  const reason = answer?.['reason'];
  return { denies: decision === 'deny', reason: typeof reason === 'string' ? reason : '' };
}

function parseObject(text: string): JsonObject | undefined {
  if (!text.startsWith('{')) return undefined;
  const value = tryParseJson(text);
  return isJsonObject(value) ? value : undefined;
}
