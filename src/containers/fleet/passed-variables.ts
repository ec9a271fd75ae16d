/** The server's own settings and keys, which no container gets. */
const OWN = /^(OH_|OPENHANDS_|SESSION_API_KEY|DATABASE_URL)/;

/** The variables of this server that match patterns such as `CI` or `LMNR_*`. Empty ones are left out. */
export function passedVariables(
  patterns: readonly string[],
  env: Readonly<NodeJS.ProcessEnv>,
): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value = ''] of Object.entries(env)) {
    if (value === '' || OWN.test(name)) continue;
    if (patterns.some((pattern) => matches(pattern, name))) passed[name] = value;
  }
  return passed;
}

function matches(pattern: string, name: string): boolean {
  if (!pattern.endsWith('*')) return pattern === name;
  return name.startsWith(pattern.slice(0, -1));
}
