import type { AuthMethod, ClientContext } from '@agentclientprotocol/sdk';
import { asJsonObject } from '../json/index.js';

/** Variables by ways to authenticate whose names do not tell them. */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  'vertex-ai': ['GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_API_KEY'],
  'openai-api-key': ['OPENAI_API_KEY'],
  'codex-api-key': ['CODEX_API_KEY'],
};

/**
 * Authenticates by the first way that needs no person and whose variable the agent has. Without one nothing
 * is done: the agent may be logged in already, and says so if it is not.
 */
export async function authenticate(
  agent: ClientContext,
  methods: readonly AuthMethod[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const method = methods.find((candidate) => variablesOf(candidate).some((name) => (env[name] ?? '') !== ''));
  if (method) await agent.request('authenticate', { methodId: method.id });
}

/** `gemini-api-key` is had by GEMINI_API_KEY; newer agents list the variables. */
function variablesOf(method: AuthMethod): readonly string[] {
  const { vars, varName } = asJsonObject(method);
  const listed = (Array.isArray(vars) ? vars : [])
    .map((entry) => asJsonObject(entry)['name'])
    .concat(varName);
  const names = listed.filter((name) => typeof name === 'string');
  if (names.length > 0) return names;
  const known = VARIABLES[method.id];
  if (known) return known;
  return method.id.endsWith('-api-key') ? [method.id.replaceAll('-', '_').toUpperCase()] : [];
}
