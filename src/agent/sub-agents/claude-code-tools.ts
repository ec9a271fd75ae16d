/** Tool names of Claude Code, which shared agent definitions use. Undefined: sub-agents have no such tool. */
const TOOL_NAMES: Readonly<Record<string, string | undefined>> = {
  Bash: 'terminal',
  BashOutput: 'terminal',
  KillShell: 'terminal',
  Read: 'file_editor',
  Edit: 'file_editor',
  MultiEdit: 'file_editor',
  Write: 'file_editor',
  LS: 'file_editor',
  Glob: 'glob',
  Grep: 'grep',
  WebFetch: 'browser_tool_set',
  WebSearch: 'browser_tool_set',
  TodoWrite: 'task_tracker',
  TodoRead: 'task_tracker',
  Task: undefined,
  Agent: undefined,
  AskUserQuestion: undefined,
};

/** Maps tool names to those of this server, without duplicates. */
export function mapToolNames(names: readonly string[]): string[] {
  const known = names.map((name) => (Object.hasOwn(TOOL_NAMES, name) ? TOOL_NAMES[name] : name));
  return [...new Set(known.filter((name) => name !== undefined))];
}
