import type { EventDraft } from '../../events/index.js';
import type { JsonObject } from '../../json/index.js';

/** What a critic thinks of the work so far. */
export interface CriticResult {
  /** 0 to 1: how likely it is that the work is done. */
  score: number;
  message: string;
  /** More by the kind of the critic. */
  metadata?: JsonObject;
}

/** When the agent is asked to go on although it says that it has finished. */
export interface Refinement {
  /** From this score on the critic is content. */
  successThreshold: number;
  /** How often the agent is asked after one message of the user. */
  maxIterations: number;
}

/** What the agent has done when the critic is asked. */
export interface CriticInput {
  /** What is judged: an action or a message of the agent. */
  draft: EventDraft;
  /** Whether files of the workspace have changed, or commits were made, since the conversation began. */
  changed: boolean;
}

/** Critics that look at the work themselves. Undefined for one that asks a service. */
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

/** Whether a critic looks at the files of the workspace. */
export function needsWorkspaceChanges({ kind }: JsonObject): boolean {
  return kind === 'EmptyPatchCritic' || kind === 'AgentFinishedCritic';
}

/**
 * Whether a critic has something to say to an event: by default only to what may be the agent's last word.
 */
export function isEvaluated({ mode }: JsonObject, draft: EventDraft): boolean {
  const isAction = draft.kind === 'ActionEvent' && draft.action !== undefined;
  if (mode === 'all_actions') return isAction;
  return isFinish(draft) || draft.kind === 'MessageEvent';
}

function isFinish(draft: EventDraft): boolean {
  return draft.kind === 'ActionEvent' && draft.action?.kind === 'FinishAction';
}

/** The refinement that a critic asks for; undefined: none. */
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
