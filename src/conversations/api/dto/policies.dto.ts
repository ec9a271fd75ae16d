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
  @Field(choice(['AlwaysConfirm']))
  kind = 'AlwaysConfirm';
}

/** Never asks. */
export class NeverConfirmDto {
  @Field(choice(['NeverConfirm']))
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
  @Field(threshold)
  threshold = 'HIGH';

  @Field(flag(), 'Also ask before actions of unknown risk.')
  confirm_unknown = true;

  @Field(choice(['ConfirmRisky']))
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
  @Field(patterns)
  high_patterns: string[][] = DEFAULT_PATTERNS.high_patterns;

  @Field(patterns)
  medium_patterns: string[][] = DEFAULT_PATTERNS.medium_patterns;

  @Field(patterns)
  injection_high_patterns: string[][] = DEFAULT_PATTERNS.injection_high_patterns;

  @Field(patterns)
  injection_medium_patterns: string[][] = DEFAULT_PATTERNS.injection_medium_patterns;

  @Field(choice(['PatternSecurityAnalyzer']))
  kind = 'PatternSecurityAnalyzer';
}

/** Detects dangerous commands by parsing them as a shell does. */
class PolicyRailSecurityAnalyzerDto {
  @Field(choice(['PolicyRailSecurityAnalyzer']))
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
  )
  analyzers!: object[];

  @Field(flag())
  propagate_unknown = false;

  @Field(choice(['EnsembleSecurityAnalyzer']))
  kind = 'EnsembleSecurityAnalyzer';
}

/** Asks the Gray Swan service. */
class GraySwanAnalyzerDto {
  @Field(integer())
  history_limit = 20;

  @Field(integer())
  max_message_chars = 30_000;

  @Field(decimal(), 'Seconds.')
  timeout = 30;

  @Field(decimal())
  low_threshold = 0.3;

  @Field(decimal())
  medium_threshold = 0.7;

  @Field(text())
  api_url = 'https://api.grayswan.ai/cygnal/monitor';

  @Field(nullable(text({ secret: true })))
  api_key: string | null = null;

  @Field(nullable(text()))
  policy_id: string | null = null;

  @Field(choice(['GraySwanAnalyzer']))
  kind = 'GraySwanAnalyzer';
}

/** Uses the risk that the model itself states with each call. */
class LLMSecurityAnalyzerDto {
  @Field(choice(['LLMSecurityAnalyzer']))
  kind = 'LLMSecurityAnalyzer';
}

/** Asks a second model. */
class ToolShieldLLMSecurityAnalyzerDto {
  @Field(llm())
  llm!: LLMDto;

  @Field(integer())
  history_window = 20;

  @Field(text())
  safety_experiences = '';

  @Field(choice(['ToolShieldLLMSecurityAnalyzer']))
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
  @Field(nullable(text()))
  description: string | null = null;

  @Field(nullable(text({ secret: true })))
  value: string | null = null;

  @Field(choice(['StaticSecret']))
  kind = 'StaticSecret';
}

/** A secret that is fetched from a URL when it is needed. */
class LookupSecretDto {
  @Field(nullable(text()))
  description: string | null = null;

  @Field(shortText())
  url!: string;

  @Field(recordOf(text(), { secret: true }))
  headers: Record<string, string> = {};

  @Field(choice(['LookupSecret']))
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
