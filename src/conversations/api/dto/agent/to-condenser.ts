import type { CondenserSpec } from '../../../../agent/index.js';
import { toLlmConfig } from '../../../../settings/index.js';
import { LLMSummarizingCondenserDto, PipelineCondenserDto } from './agent.dto.js';

/** Converts a condenser. Models get all of their fields. */
export function toCondenser(condenser: object): CondenserSpec {
  if (condenser instanceof LLMSummarizingCondenserDto) {
    const { llm, ...limits } = condenser;
    return { llm: toLlmConfig(llm), ...limits, kind: 'LLMSummarizingCondenser' };
  }
  if (condenser instanceof PipelineCondenserDto) {
    return { condensers: condenser.condensers.map(toCondenser), kind: 'PipelineCondenser' };
  }
  return { kind: 'NoOpCondenser' };
}
