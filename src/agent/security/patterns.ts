import { createContext, Script } from 'node:vm';
import type { ActionEvent, SecurityRisk } from '../../events/index.js';
import type { JsonObject } from '../../json/index.js';
import { argumentTexts, explanationTexts } from './action-texts.js';

/** A regular expression, its description and its id. */
type RiskPattern = [pattern: string, description: string, id: string];

/** The lists of a pattern analyzer. Lists missing in its configuration default to `DEFAULT_PATTERNS`. */
interface PatternLists {
  high_patterns: RiskPattern[];
  medium_patterns: RiskPattern[];
  injection_high_patterns: RiskPattern[];
  injection_medium_patterns: RiskPattern[];
}

/** The default patterns, with the original's ids. */
export const DEFAULT_PATTERNS: Readonly<PatternLists> = {
  high_patterns: [
    [
      /\brm\b(?=[^\n;|&]{0,300}\s-(?:[a-z]{0,20}r|-recursive))(?=[^\n;|&]{0,300}\s-(?:[a-z]{0,20}f|-force))/
        .source,
      'Deletes whole folders without asking',
      'exec.destruct.rm_rf',
    ],
    [/\bsudo\s+(?:-\S{1,100}\s{1,20}){0,20}rm\b/.source, 'Deletes as another user', 'exec.destruct.sudo_rm'],
    [/\bmkfs(?:\.\w+)?\s/.source, 'Makes a new file system', 'exec.destruct.mkfs'],
    [/\bdd\b[^\n]{0,200}\bof=\/dev\//.source, 'Writes to a device', 'exec.destruct.dd_raw_disk'],
    [/\beval\s*\(/.source, 'Evaluates code from a text', 'exec.code.eval_call'],
    [/\bexec\s*\(/.source, 'Executes code from a text', 'exec.code.exec_call'],
    [/\bos\s*\.\s*system\s*\(/.source, 'Runs a shell command from code', 'exec.code.os_system'],
    [
      /\bsubprocess\s*\.\s*(?:run|call|Popen|check_call|check_output|getoutput)\s*\(/.source,
      'Starts a program from code',
      'exec.code.subprocess',
    ],
    [
      /\bcurl\b[^|\n]{0,300}\|\s{0,20}(?:sudo\s{1,20})?(?:env\s{1,20})?(?:\/\S{0,200}\/)?(?:ba|z|da|k)?sh\b/
        .source,
      'Runs what it downloads',
      'exec.net.curl_pipe_exec',
    ],
    [
      /\bwget\b[^|\n]{0,300}\|\s{0,20}(?:sudo\s{1,20})?(?:env\s{1,20})?(?:\/\S{0,200}\/)?(?:ba|z|da|k)?sh\b/
        .source,
      'Runs what it downloads',
      'exec.net.wget_pipe_exec',
    ],
  ],
  medium_patterns: [
    [/\bcurl\b[^\n]{0,200}https?:\/\//.source, 'Sends a request with curl', 'exec.net.curl'],
    [/\bwget\b[^\n]{0,200}https?:\/\//.source, 'Downloads with wget', 'exec.net.wget'],
  ],
  injection_high_patterns: [
    [
      /\b(?:ignore|disregard|forget|override|bypass)\b\s+(?:(?:all|any|the|your)\s+){0,2}(?:previous|prior|earlier|above)\s+(?:instruction|prompt|rule|directive)s?\b/
        .source,
      'Wants instructions to be ignored',
      'inject.override',
    ],
  ],
  injection_medium_patterns: [
    [/\byou\s+are\s+now\s+in\s+(?:\w+\s+)?mode\b/.source, 'Wants another mode', 'inject.mode_switch'],
    [
      /\bpretend\s+(?:that\s+)?(?:you\s+are|to\s+be)\s+(?:a\s+)?(?:different|another)\b/.source,
      'Wants another identity',
      'inject.identity',
    ],
  ],
};

/**
 * Compiles a Python or JavaScript expression, ignoring case.
 * @throws SyntaxError if it is neither
 */
export function compilePattern(pattern: string): RegExp {
  const flags = /^\(\?([aimsux]+)\)/.exec(pattern)?.[1] ?? '';
  const body = pattern
    .replace(/^\(\?[aimsux]+\)/, '')
    .replaceAll('(?P<', '(?<')
    .replace(/\(\?P=(\w+)\)/g, '\\k<$1>');
  return new RegExp(body, `i${flags.includes('m') ? 'm' : ''}${flags.includes('s') ? 's' : ''}`);
}

/**
 * Searches an action's arguments for dangerous commands, and arguments and explanations for prompt injection.
 * @param deadline time limit (ms, `performance.now()`); the risk is UNKNOWN if the search takes longer
 */
export function patternRisk(
  config: JsonObject,
  action: ActionEvent,
  deadline: number,
): { risk: SecurityRisk; note?: string } {
  const actionTexts = [...argumentTexts(action), action.summary ?? ''];
  const commands = [...actionTexts, ...actionTexts.map(unquoted)];
  const allTexts = [...actionTexts, ...explanationTexts(action)];
  const searches: [SecurityRisk, keyof PatternLists, string[]][] = [
    ['HIGH', 'high_patterns', commands],
    ['HIGH', 'injection_high_patterns', allTexts],
    ['MEDIUM', 'medium_patterns', commands],
    ['MEDIUM', 'injection_medium_patterns', allTexts],
  ];
  try {
    const hit = searches.find(([, list, texts]) => matches(config, list, texts, deadline));
    return { risk: hit?.[0] ?? 'LOW' };
  } catch (error) {
    return { risk: 'UNKNOWN', note: `PatternSecurityAnalyzer gave up: ${String(error)}` };
  }
}

const SEARCH = new Script(
  'input.expressions.some((expression) => input.texts.some((text) => expression.test(text)))',
);
/** Shared by all searches: creating a context takes longer than most searches. */
const CONTEXT: { input?: { expressions: RegExp[]; texts: readonly string[] } } = createContext({});

/** @throws when the search takes too long */
function matches(
  config: JsonObject,
  list: keyof PatternLists,
  texts: readonly string[],
  deadline: number,
): boolean {
  const patterns = config[list] ?? DEFAULT_PATTERNS[list];
  const entries: unknown[] = Array.isArray(patterns) ? patterns : [];
  const expressions = entries.flatMap((entry) =>
    Array.isArray(entry) && typeof entry[0] === 'string' ? [compilePattern(entry[0])] : [],
  );
  const timeout = Math.floor(deadline - performance.now());
  if (timeout < 1) throw new Error('the search took too long');
  try {
    CONTEXT.input = { expressions, texts };
    return Boolean(SEARCH.runInContext(CONTEXT, { timeout }));
  } finally {
    delete CONTEXT.input;
  }
}

/** Removes quotes and backslashes: the shell reads `r\m` and `r''m` as `rm`. */
function unquoted(text: string): string {
  return text.replaceAll(/\\(?=\w)|['"]/g, '');
}
