import type { EventDraft } from '../../events/index.js';
import type { JsonObject } from '../../json/index.js';

/** A critic's verdict on the work so far. */
export interface CriticResult {
  /** 0 to 1: how likely it is that the work is done. */
  score: number;
  message: string;
  /** Additional data, depending on the critic. */
  metadata?: JsonObject;
}

/**
 * Settings of iterative refinement: the agent is asked to continue although it reports that it has finished.
 */
interface Refinement {
  /** The score from which on no refinement is requested. */
  successThreshold: number;
  /** Most refinement requests per user message. */
  maxIterations: number;
}

/** The input of a critic. */
interface CriticInput {
  /** The evaluated action or message of the agent. */
  draft: EventDraft;
  /** Whether files of the workspace changed or commits were made since the conversation began. */
  changed: boolean;
}

/** Evaluates critics that need no service; undefined for others. */
export function evaluateLocally(kind: unknown, { draft, changed }: CriticInput): CriticResult | undefined {
  switch (kind) {
    case 'PassCritic':
      return { score: 1, message: 'PassCritic always succeeds' };
    case 'EmptyPatchCritic':
      return changed
        ? { score: 1, message: 'Git patch is not empty' }
        : { score: 0, message: 'Git patch is empty or missing' };
    case 'AgentFinishedCritic':
      if (!changed) {
        return {
          score: 0,
          message: 'Agent did not produce a non-empty git patch. Empty git patch',
        };
      }
      return isFinish(draft)
        ? { score: 1, message: 'Agent finished properly with a non-empty git patch' }
        : { score: 0, message: 'Agent did not finish properly: it did not call finish' };
    default:
      return undefined;
  }
}

/** Whether a critic needs to know if the workspace changed. */
export function needsWorkspaceChanges({ kind }: JsonObject): boolean {
  return kind === 'EmptyPatchCritic' || kind === 'AgentFinishedCritic';
}

/** Whether a critic evaluates an event: by default only messages and `finish`. */
export function isEvaluated({ mode }: JsonObject, draft: EventDraft): boolean {
  const isAction = draft.kind === 'ActionEvent' && draft.action !== undefined;
  if (mode === 'all_actions') return isAction;
  return isFinish(draft) || draft.kind === 'MessageEvent';
}

function isFinish(draft: EventDraft): boolean {
  return draft.kind === 'ActionEvent' && draft.action?.kind === 'FinishAction';
}

/** The refinement settings of a critic; undefined if it has none. */
export function refinementOf(critic: JsonObject | null): Refinement | undefined {
  const { iterative_refinement: settings } = critic ?? {};
  if (typeof settings !== 'object' || settings === null) return undefined;
  const threshold = 'success_threshold' in settings ? settings.success_threshold : undefined;
  const iterations = 'max_iterations' in settings ? settings.max_iterations : undefined;
  return {
    successThreshold: typeof threshold === 'number' ? threshold : 0.6,
    maxIterations: typeof iterations === 'number' ? iterations : 3,
  };
}
