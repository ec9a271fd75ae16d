import { pythonRepr } from '../../text/index.js';

/** The name and arguments of a call. */
interface NamedCall {
  name: string;
  args: Record<string, unknown>;
}

/** Tool names of other systems, and the tool that does the same here. */
const ALIASES = new Map([
  ['bash', 'terminal'],
  ['command', 'terminal'],
  ['execute', 'terminal'],
  ['execute_bash', 'terminal'],
  ['git', 'terminal'],
  ['reset', 'terminal'],
  ['str_replace', 'file_editor'],
  ['str_replace_editor', 'file_editor'],
]);

/** Aliases that are program names: the name becomes the first word of the command. */
const PROGRAM_ALIASES = new Set(['git', 'reset']);

/** Programs that models call like tools, without arguments. */
const BARE_PROGRAMS = new Set(['find', 'ls', 'pwd']);

/**
 * Maps an unregistered name to the tool that the model meant, and adapts the arguments. Returns the call
 * unchanged if the name is registered or cannot be mapped.
 */
export function repairName(
  name: string,
  args: Record<string, unknown>,
  registeredNames: { has(name: string): boolean },
): NamedCall {
  if (registeredNames.has(name)) return { name, args };
  // Models append text to names: `think.foo`, `terminal<|channel|>`.
  const stem = /^[A-Za-z_]\w*/.exec(name)?.[0] ?? '';
  if (registeredNames.has(stem)) return { name: stem, args };
  const command = terminalCommand(stem, args);
  if (command !== undefined && registeredNames.has('terminal')) {
    return { name: 'terminal', args: { ...metaFields(args), command } };
  }
  const target = ALIASES.get(stem);
  if (target === undefined || !registeredNames.has(target)) return { name, args };
  return { name: target, args: PROGRAM_ALIASES.has(stem) ? withProgram(stem, args) : args };
}

function terminalCommand(name: string, args: Record<string, unknown>): string | undefined {
  if (BARE_PROGRAMS.has(name) && Object.keys(args).length === 0) return name;
  if (name !== 'grep' || !isNonEmptyString(args['pattern'])) return undefined;
  const { pattern, path, include } = args;
  // Without -e, grep would read a pattern that starts with a dash as an option.
  const search = pattern.startsWith('-') ? ['-e', pattern] : [pattern];
  const parts = ['grep', '-R', '-I', '-n', '-i', ...search, isNonEmptyString(path) ? path : '.'];
  if (isNonEmptyString(include)) parts.push(`--include=${include}`);
  return parts.map(shellQuote).join(' ');
}

function withProgram(program: string, args: Record<string, unknown>): Record<string, unknown> {
  const given = args['command'];
  const rest = typeof given === 'string' ? given : given === undefined ? '' : pythonRepr(given);
  const hasProgram = rest === program || rest.startsWith(`${program} `);
  return { ...args, command: hasProgram ? rest : `${program} ${rest}`.trim() };
}

/** The fields that every call may have besides the tool's own. */
function metaFields(args: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(args).filter(([key]) => key === 'security_risk' || key === 'summary'),
  );
}

function isNonEmptyString(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Quotes a word of a shell command if necessary. */
function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}
