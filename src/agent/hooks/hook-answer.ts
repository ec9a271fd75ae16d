import { isJsonObject } from '../../json/index.js';
import type { JsonObject } from '../../json/index.js';

/** What the output of a hook says. */
export interface HookAnswer {
  denies: boolean;
  reason?: string;
  context?: string;
}

/** Reads the JSON object that a command printed; anything else says nothing. */
export function readAnswer(output: string): HookAnswer {
  const answer = parsed(output.trim());
  if (!answer) return { denies: false };
  const { decision, reason, additionalContext, continue: goesOn } = answer;
  return {
    denies: decision === 'deny' || decision === 'block' || goesOn === false,
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof additionalContext === 'string' ? { context: additionalContext } : {}),
  };
}

/**
 * Reads the decision of a model: the first JSON object in its text. Undefined when there is none that
 * decides, which counts as agreement.
 */
export function readDecision(text: string): HookAnswer | undefined {
  const start = text.indexOf('{');
  const end = text.lastIndexOf('}');
  const answer = start === -1 ? undefined : parsed(text.slice(start, end + 1));
  const decision = answer?.['decision'];
  if (decision !== 'allow' && decision !== 'deny') return undefined;
  const reason = answer?.['reason'];
  return { denies: decision === 'deny', reason: typeof reason === 'string' ? reason : '' };
}

function parsed(text: string): JsonObject | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
