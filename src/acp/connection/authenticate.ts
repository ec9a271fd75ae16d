import type { AuthMethod, ClientContext } from '@agentclientprotocol/sdk';
import { asJsonObject } from '../../json/index.js';

/** Variables of authentication methods whose ids do not name them. */
const METHOD_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  'vertex-ai': ['GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_API_KEY'],
  'openai-api-key': ['OPENAI_API_KEY'],
  'codex-api-key': ['CODEX_API_KEY'],
};

/**
 * Authenticates with the first non-interactive method whose variable is set. Otherwise does nothing: the
 * agent may be logged in already, and reports an error if it is not.
 */
export async function authenticate(
  agent: ClientContext,
  methods: readonly AuthMethod[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const method = methods.find((candidate) => variablesOf(candidate).some((name) => (env[name] ?? '') !== ''));
  if (method) await agent.request('authenticate', { methodId: method.id });
}

/** The variables of a method. Newer agents list them; `gemini-api-key` means GEMINI_API_KEY. */
function variablesOf(method: AuthMethod): readonly string[] {
  const { vars, varName } = asJsonObject(method);
  const listed = (Array.isArray(vars) ? vars : [])
    .map((entry) => asJsonObject(entry)['name'])
    .concat(varName);
  const names = listed.filter((name) => typeof name === 'string');
  if (names.length > 0) return names;
  const known = METHOD_VARIABLES[method.id];
  if (known) return known;
  return method.id.endsWith('-api-key') ? [method.id.replaceAll('-', '_').toUpperCase()] : [];
}
