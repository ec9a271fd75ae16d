import type { LlmConfig } from '../../llm/request/llm-config.js';

/** What keeps the history of an agent short, as the wire has it. */
export type CondenserSpec = NoOpCondenserSpec | PipelineCondenserSpec | SummarizingCondenserSpec;

/** Leaves the history as it is. */
export interface NoOpCondenserSpec {
  kind: 'NoOpCondenser';
}

/** Several condensers; the first that has something to do does it. */
export interface PipelineCondenserSpec {
  condensers: CondenserSpec[];
  kind: 'PipelineCondenser';
}

/** A model puts a summary in the place of what is old. */
export interface SummarizingCondenserSpec {
  llm: LlmConfig;
  /** Events in the view from which on it is condensed. */
  max_size: number;
  /** Tokens in the view from which on it is condensed; the model's own limit counts as well. */
  max_tokens: number | null;
  /** Events at the start that always stay. */
  keep_first: number;
  /** Part of the view that has to go for a condensation to be worth its price. */
  minimum_progress: number;
  /** Times that everything is tried again with shorter excerpts when even the summary does not fit. */
  hard_context_reset_max_retries: number;
  /** How much shorter they are each time. */
  hard_context_reset_context_scaling: number;
  kind: 'LLMSummarizingCondenser';
}

/** Whether it can condense when it is asked to. */
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

/** The condensers that summarise, in their order. */
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
