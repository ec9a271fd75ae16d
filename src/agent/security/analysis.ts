import type { ActionEvent, EventDraft, SecurityRisk } from '../../events/index.js';
import type { JsonObject } from '../agent-spec.js';
import { patternRisk } from './patterns.js';
import { railRisk } from './policy-rails.js';
import { highest } from './risk.js';

/** The configuration of an analyzer, as the wire has it. */
export type AnalyzerConfig = JsonObject & { kind: string };

/** What an analyzer thinks of one action. `note` says what it could not do. */
export interface Assessment {
  risk: SecurityRisk;
  note?: string;
}

/** The verdict on all actions of one answer: the event that tells of it, and the risk of each. */
export interface Analysis {
  event: EventDraft;
  riskOf: (action: ActionEvent) => SecurityRisk;
}

/** Judges the actions of one answer of the model. */
export function analyse(
  analyzer: AnalyzerConfig,
  policy: AnalyzerConfig,
  actions: readonly ActionEvent[],
): Analysis {
  const found = new Map(actions.map((action) => [action.id, assess(analyzer, action)] as const));
  const notes = [...found].flatMap(([id, { note }]) => (note === undefined ? [] : [[id, { note }] as const]));
  return {
    event: {
      source: 'environment',
      analyzer: analyzer.kind,
      policy: policy.kind,
      risks: Object.fromEntries([...found].map(([id, { risk }]) => [id, risk])),
      details: Object.fromEntries(notes),
      kind: 'SecurityAnalysisEvent',
    },
    riskOf: (action) => found.get(action.id)?.risk ?? 'UNKNOWN',
  };
}

/** What one analyzer thinks of one action. */
export function assess(analyzer: AnalyzerConfig, action: ActionEvent): Assessment {
  switch (analyzer.kind) {
    case 'LLMSecurityAnalyzer':
      return { risk: action.security_risk };
    case 'PatternSecurityAnalyzer':
      return patternRisk(analyzer, action);
    case 'PolicyRailSecurityAnalyzer':
      return { risk: railRisk(action) };
    case 'EnsembleSecurityAnalyzer':
      return ensemble(analyzer, action);
    default:
      // GraySwanAnalyzer asks a service and ToolShieldLLMSecurityAnalyzer a second model: neither is called here, and
      // a risk that nobody looked at is unknown, not low.
      return { risk: 'UNKNOWN', note: `${analyzer.kind} is not available on this server: risk UNKNOWN` };
  }
}

/** The highest of what several find. One that knows nothing has no say, unless its doubt is to be told. */
function ensemble(analyzer: AnalyzerConfig, action: ActionEvent): Assessment {
  const members = Array.isArray(analyzer['analyzers']) ? analyzer['analyzers'].filter(isAnalyzer) : [];
  const found = members.map((member) => assess(member, action));
  const risks = found.map(({ risk }) => risk);
  const notes = found.flatMap(({ note }) => (note === undefined ? [] : [note]));
  const doubtful = analyzer['propagate_unknown'] === true && risks.includes('UNKNOWN');
  return {
    risk: doubtful ? 'UNKNOWN' : highest(risks),
    ...(notes.length > 0 && { note: notes.join('; ') }),
  };
}

function isAnalyzer(value: unknown): value is AnalyzerConfig {
  return typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string';
}
