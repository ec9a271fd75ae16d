import type { ActionEvent, EventDraft, SecurityRisk } from '../../events/index.js';
import { turnToWork } from '../../flow/index.js';
import type { JsonObject } from '../../json/index.js';
import { patternRisk } from './patterns.js';
import { railRisk } from './policy-rails.js';
import { highestRisk } from './risk.js';

/** The configuration of an analyzer or policy, as in the API. */
type AnalyzerConfig = JsonObject & { kind: string };

/** An analyzer's assessment of one action. `note` says what it could not do. */
interface Assessment {
  risk: SecurityRisk;
  note?: string;
}

/** The analysis of all actions of one answer: its event and the risk of each action. */
interface Analysis {
  event: EventDraft;
  riskOf: (action: ActionEvent) => SecurityRisk;
}

/** Time limit for all analyzers on one action (ms): a bad expression must not block the server. */
const ACTION_MS = 150;

/** Assesses the actions of one answer, each in a tick of its own. */
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
 * Assesses one action with one analyzer.
 * @param deadline time limit (ms, `performance.now()`)
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
      // GraySwanAnalyzer calls a service and ToolShieldLLMSecurityAnalyzer a second model. Neither is
      // supported here, and an unassessed risk is unknown, not low.
      return { risk: 'UNKNOWN', note: `${analyzer.kind} is not available on this server: risk UNKNOWN` };
  }
}

/** The highest risk that any member found. Unknown risks are ignored unless `propagate_unknown` is set. */
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
