import type { LlmConfig } from '../../llm/index.js';

/** The condenser configuration of an agent, as in the API. */
export type CondenserSpec = NoOpCondenserSpec | PipelineCondenserSpec | SummarizingCondenserSpec;

/** Never condenses. */
interface NoOpCondenserSpec {
  kind: 'NoOpCondenser';
}

/** Several condensers; the first that needs to condense does so. */
interface PipelineCondenserSpec {
  condensers: CondenserSpec[];
  kind: 'PipelineCondenser';
}

/** A model summarizes old events, and the summary replaces them. */
export interface SummarizingCondenserSpec {
  llm: LlmConfig;
  /** Number of events in the view above which it is condensed. */
  max_size: number;
  /** Number of tokens above which the view is condensed; the model's own limit applies as well. */
  max_tokens: number | null;
  /** Number of events at the start that are always kept. */
  keep_first: number;
  /** Smallest part of the view that is worth a condensation (0 to 1). */
  minimum_progress: number;
  /** Retries with shorter excerpts when even the summary request is too long. */
  hard_context_reset_max_retries: number;
  /** Factor by which excerpts shrink with each retry. */
  hard_context_reset_context_scaling: number;
  kind: 'LLMSummarizingCondenser';
}

/** Whether the condenser can handle a condensation request. */
export function canCondenseOnRequest(spec: CondenserSpec | null): boolean {
  switch (spec?.kind) {
    case 'LLMSummarizingCondenser':
      return true;
    case 'PipelineCondenser':
      return spec.condensers.some(canCondenseOnRequest);
    default:
      return false;
  }
}

/** The summarizing condensers, in order. */
export function summarizers(spec: CondenserSpec | null): SummarizingCondenserSpec[] {
  switch (spec?.kind) {
    case 'LLMSummarizingCondenser':
      return [spec];
    case 'PipelineCondenser':
      return spec.condensers.flatMap(summarizers);
    default:
      return [];
  }
}
