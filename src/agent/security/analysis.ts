import type { ActionEvent, EventDraft, SecurityRisk } from '../../events/index.js';
import { turnToWork } from '../../flow/index.js';
import type { JsonObject } from '../../json/index.js';
import { patternRisk } from './patterns.js';
import { railRisk } from './policy-rails.js';
import { highestRisk } from './risk.js';

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

/** How long all analyzers together may look at one action (ms): a bad expression must not stop the server. */
const ACTION_MS = 150;

/** Judges the actions of one answer of the model, each in a turn of its own. */
export async function analyseActions(
  analyzer: AnalyzerConfig,
  policy: AnalyzerConfig,
  actions: readonly ActionEvent[],
): Promise<Analysis> {
  const found = new Map<string, Assessment>();
  for (const action of actions) {
    if (found.size > 0) await turnToWork();
    found.set(action.id, assess(analyzer, action, performance.now() + ACTION_MS));
  }
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

/**
 * What one analyzer thinks of one action.
 * @param deadline when it has to be done (ms, `performance.now()`)
 */
function assess(analyzer: AnalyzerConfig, action: ActionEvent, deadline: number): Assessment {
  switch (analyzer.kind) {
    case 'LLMSecurityAnalyzer':
      return { risk: action.security_risk };
    case 'PatternSecurityAnalyzer':
      return patternRisk(analyzer, action, deadline);
    case 'PolicyRailSecurityAnalyzer':
      return { risk: railRisk(action) };
    case 'EnsembleSecurityAnalyzer':
      return ensemble(analyzer, action, deadline);
    default:
      // GraySwanAnalyzer asks a service and ToolShieldLLMSecurityAnalyzer a second model: neither is called
      // here, and a risk that nobody looked at is unknown, not low.
      return { risk: 'UNKNOWN', note: `${analyzer.kind} is not available on this server: risk UNKNOWN` };
  }
}

/** The highest of what several find. One that knows nothing has no say, unless its doubt is to be told. */
function ensemble(analyzer: AnalyzerConfig, action: ActionEvent, deadline: number): Assessment {
  const members = Array.isArray(analyzer['analyzers']) ? analyzer['analyzers'].filter(isAnalyzer) : [];
  const found = members.map((member) => assess(member, action, deadline));
  const risks = found.map(({ risk }) => risk);
  const notes = found.flatMap(({ note }) => (note === undefined ? [] : [note]));
  const doubtful = analyzer['propagate_unknown'] === true && risks.includes('UNKNOWN');
  return {
    risk: doubtful ? 'UNKNOWN' : highestRisk(risks),
    ...(notes.length > 0 && { note: notes.join('; ') }),
  };
}

function isAnalyzer(value: unknown): value is AnalyzerConfig {
  return typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string';
}
