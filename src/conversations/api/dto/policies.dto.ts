import { compilePattern, DEFAULT_PATTERNS } from '../../../agent/index.js';
import { errorMessage } from '../../../errors/index.js';
import {
  oneOfKinds,
  Field,
  type FieldType,
  choice,
  decimal,
  flag,
  integer,
  listOf,
  nullable,
  recordOf,
  shortText,
  text,
  valueError,
} from '../../../http/index.js';
import { LLMDto, llm } from '../../../settings/index.js';

/** Asks before each action. */
class AlwaysConfirmDto {
  @Field(choice(['AlwaysConfirm']), 'Selects to wait for a confirmation before each action.')
  kind = 'AlwaysConfirm';
}

/** Never asks. */
export class NeverConfirmDto {
  @Field(choice(['NeverConfirm']), 'Selects to execute all actions without a confirmation.')
  kind = 'NeverConfirm';
}

const RISKS = ['UNKNOWN', 'LOW', 'MEDIUM', 'HIGH'];
const risk = choice(RISKS, 'enum');
const threshold: FieldType = {
  ...risk,
  problems: (value) =>
    value === 'UNKNOWN' ? [valueError('Threshold cannot be UNKNOWN')] : risk.problems(value),
};

/** Asks before actions with at least this risk. */
class ConfirmRiskyDto {
  @Field(threshold, 'Lowest risk from which an action needs a confirmation. `UNKNOWN` is not allowed.')
  threshold = 'HIGH';

  @Field(flag(), 'Also wait before actions of unknown risk.')
  confirm_unknown = true;

  @Field(choice(['ConfirmRisky']), 'Selects to wait for a confirmation before risky actions.')
  kind = 'ConfirmRisky';
}

/** A confirmation policy. */
export const confirmationPolicy = oneOfKinds(
  () => ({ AlwaysConfirm: AlwaysConfirmDto, ConfirmRisky: ConfirmRiskyDto, NeverConfirm: NeverConfirmDto }),
  { union: 'openhands.sdk.security.confirmation_policy.ConfirmationPolicyBase' },
);

const ANALYZER_UNION = 'openhands.sdk.security.analyzer.SecurityAnalyzerBase';
/** Limits of a pattern list and of one pattern (characters): patterns are compiled for each action. */
const MAX_PATTERNS = 500;
const MAX_PATTERN = 2_000;
const patternLists = listOf(listOf(text(), { min: 3, max: 3 }));
/** Rejects regular expressions that cannot be compiled when they are set, not when the agent acts. */
const patterns: FieldType = {
  ...patternLists,
  problems: (value) => {
    const found = patternLists.problems(value);
    if (found.length > 0 || !Array.isArray(value)) return found;
    if (value.length > MAX_PATTERNS) return [valueError(`A list has at most ${MAX_PATTERNS} patterns`)];
    return value.flatMap((entry: unknown, index) => {
      const problem = Array.isArray(entry) ? patternProblem(String(entry[0])) : undefined;
      return problem === undefined ? [] : [valueError(problem, [index, 0])];
    });
  },
};

/** Detects dangerous commands by patterns: each is a regular expression, a description and an id. */
class PatternSecurityAnalyzerDto {
  @Field(patterns, 'Patterns of high risk in commands: a regular expression, a description and an id each.')
  high_patterns: string[][] = DEFAULT_PATTERNS.high_patterns;

  @Field(patterns, 'Patterns of medium risk in commands: a regular expression, a description and an id each.')
  medium_patterns: string[][] = DEFAULT_PATTERNS.medium_patterns;

  @Field(
    patterns,
    'Patterns of high risk in any text of an action, for attempts to instruct the model: a regular ' +
      'expression, a description and an id each.',
  )
  injection_high_patterns: string[][] = DEFAULT_PATTERNS.injection_high_patterns;

  @Field(
    patterns,
    'Patterns of medium risk in any text of an action, for attempts to instruct the model: a regular ' +
      'expression, a description and an id each.',
  )
  injection_medium_patterns: string[][] = DEFAULT_PATTERNS.injection_medium_patterns;

  @Field(
    choice(['PatternSecurityAnalyzer']),
    'Selects an analyzer that finds dangerous commands by patterns.',
  )
  kind = 'PatternSecurityAnalyzer';
}

/** Detects dangerous commands by parsing them as a shell does. */
class PolicyRailSecurityAnalyzerDto {
  @Field(
    choice(['PolicyRailSecurityAnalyzer']),
    'Selects an analyzer that parses commands as a shell does, and knows dangerous ones.',
  )
  kind = 'PolicyRailSecurityAnalyzer';
}

function patternProblem(pattern: string): string | undefined {
  if (pattern.length > MAX_PATTERN) return `A pattern has at most ${MAX_PATTERN} characters`;
  try {
    compilePattern(pattern);
    return undefined;
  } catch (error) {
    return errorMessage(error).slice(0, 300);
  }
}

/** Returns the highest risk that any of its analyzers reports. */
class EnsembleSecurityAnalyzerDto {
  @Field(
    listOf(
      oneOfKinds(() => ANALYZERS, { union: ANALYZER_UNION }),
      { min: 1 },
    ),
    'Analyzers of which the highest risk counts.',
  )
  analyzers!: object[];

  @Field(
    flag(),
    'The risk is unknown as soon as one analyzer cannot tell it; otherwise unknown risks are ignored.',
  )
  propagate_unknown = false;

  @Field(
    choice(['EnsembleSecurityAnalyzer']),
    'Selects the highest risk that any of several analyzers reports.',
  )
  kind = 'EnsembleSecurityAnalyzer';
}

/** Asks the Gray Swan service. */
class GraySwanAnalyzerDto {
  @Field(integer(), 'Number of events that the service is sent. Has no effect on this server.')
  history_limit = 20;

  @Field(integer(), 'Maximum characters of a message for the service. Has no effect on this server.')
  max_message_chars = 30_000;

  @Field(decimal(), 'Time limit of a request in seconds. Has no effect on this server.')
  timeout = 30;

  @Field(decimal(), 'Score up to which the risk is low. Has no effect on this server.')
  low_threshold = 0.3;

  @Field(decimal(), 'Score up to which the risk is medium. Has no effect on this server.')
  medium_threshold = 0.7;

  @Field(text(), 'URL of the Gray Swan service. This server does not call it.')
  api_url = 'https://api.grayswan.ai/cygnal/monitor';

  @Field(
    nullable(text({ secret: true })),
    'Key for the Gray Swan service; null: none. This server does not call it.',
  )
  api_key: string | null = null;

  @Field(nullable(text()), 'Id of the policy at Gray Swan; null: its default. Has no effect on this server.')
  policy_id: string | null = null;

  @Field(
    choice(['GraySwanAnalyzer']),
    'Selects the Gray Swan service, which this server does not call: the risk is always unknown.',
  )
  kind = 'GraySwanAnalyzer';
}

/** Uses the risk that the model itself states with each call. */
class LLMSecurityAnalyzerDto {
  @Field(choice(['LLMSecurityAnalyzer']), 'Selects the risk that the model itself states with each call.')
  kind = 'LLMSecurityAnalyzer';
}

/** Asks a second model. */
class ToolShieldLLMSecurityAnalyzerDto {
  @Field(llm(), 'Model that would assess the risk. This server does not ask it.')
  llm!: LLMDto;

  @Field(integer(), 'Number of events that the model would get. Has no effect on this server.')
  history_window = 20;

  @Field(text(), 'Experiences that the model would get. Has no effect on this server.')
  safety_experiences = '';

  @Field(
    choice(['ToolShieldLLMSecurityAnalyzer']),
    'Selects a second model, which this server does not ask: the risk is always unknown.',
  )
  kind = 'ToolShieldLLMSecurityAnalyzer';
}

const ANALYZERS = {
  PatternSecurityAnalyzer: PatternSecurityAnalyzerDto,
  PolicyRailSecurityAnalyzer: PolicyRailSecurityAnalyzerDto,
  EnsembleSecurityAnalyzer: EnsembleSecurityAnalyzerDto,
  GraySwanAnalyzer: GraySwanAnalyzerDto,
  LLMSecurityAnalyzer: LLMSecurityAnalyzerDto,
  ToolShieldLLMSecurityAnalyzer: ToolShieldLLMSecurityAnalyzerDto,
};

/** A security analyzer. */
export const securityAnalyzer = oneOfKinds(() => ANALYZERS, { union: ANALYZER_UNION });

/** A secret with a fixed value. */
class StaticSecretDto {
  @Field(nullable(text()), 'What the secret is for; the agent reads it. Null: none.')
  description: string | null = null;

  @Field(nullable(text({ secret: true })), 'Value of the secret. Null: none. Answers show it masked.')
  value: string | null = null;

  @Field(choice(['StaticSecret']), 'Marks a secret with a fixed value.')
  kind = 'StaticSecret';
}

/** A secret that is fetched from a URL when it is needed. */
class LookupSecretDto {
  @Field(nullable(text()), 'What the secret is for; the agent reads it. Null: none.')
  description: string | null = null;

  @Field(shortText(), 'URL from which the value is fetched when it is needed.')
  url!: string;

  @Field(
    recordOf(text(), { secret: true }),
    'Headers of the request, such as its credentials. Answers show them masked.',
  )
  headers: Record<string, string> = {};

  @Field(choice(['LookupSecret']), 'Marks a secret that is fetched from a URL.')
  kind = 'LookupSecret';
}

const SECRET_SOURCES = () => ({ LookupSecret: LookupSecretDto, StaticSecret: StaticSecretDto });
const SECRET_UNION = 'openhands.sdk.secret.secrets.SecretSource';

/** A secret source: a value, or a URL to fetch it from. */
export const secretSource = oneOfKinds(SECRET_SOURCES, { union: SECRET_UNION });

const lenientSource = oneOfKinds(SECRET_SOURCES, {
  union: SECRET_UNION,
  assume: (source) => (Object.hasOwn(source, 'value') ? 'StaticSecret' : undefined),
});

/** Also accepts the bare value, as a text or as an object without a kind. */
export const secretSourceOrText: FieldType = {
  ...lenientSource,
  read: (raw) => lenientSource.read(typeof raw === 'string' ? { value: raw } : raw),
};
