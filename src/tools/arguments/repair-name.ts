import { pythonRepr } from '../../text/index.js';

/** A call by a name and arguments that a tool may know. */
export interface NamedCall {
  name: string;
  args: Record<string, unknown>;
}

/** Names that models remember from elsewhere, and the tool that does the same here. */
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

/** Aliases that are programs: their name begins the command. */
const PROGRAM_ALIASES = new Set(['git', 'reset']);

/** Programs that models call as if they were tools, without arguments. */
const BARE_PROGRAMS = new Set(['find', 'ls', 'pwd']);

/**
 * Maps a name that is not registered to the tool that was meant, with arguments to match. Answers with the
 * call as it is when the name is registered or nothing fits.
 */
export function repairName(
  name: string,
  args: Record<string, unknown>,
  registeredNames: { has(name: string): boolean },
): NamedCall {
  if (registeredNames.has(name)) return { name, args };
  // Models append what does not belong to a name: `think.foo`, `terminal<|channel|>`.
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
  if (name !== 'grep' || !isText(args['pattern'])) return undefined;
  const { pattern, path, include } = args;
  // A pattern that looks like an option would be taken for one.
  const search = pattern.startsWith('-') ? ['-e', pattern] : [pattern];
  const parts = ['grep', '-R', '-I', '-n', '-i', ...search, isText(path) ? path : '.'];
  if (isText(include)) parts.push(`--include=${include}`);
  return parts.map(shellQuote).join(' ');
}

function withProgram(program: string, args: Record<string, unknown>): Record<string, unknown> {
  const given = args['command'];
  const rest = typeof given === 'string' ? given : given === undefined ? '' : pythonRepr(given);
  const complete = rest === program || rest.startsWith(`${program} `);
  return { ...args, command: complete ? rest : `${program} ${rest}`.trim() };
}

/** The fields that every call may carry beside its tool's own. */
function metaFields(args: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(args).filter(([key]) => key === 'security_risk' || key === 'summary'),
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** A word of a shell command, quoted only when it needs to be. */
function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}
