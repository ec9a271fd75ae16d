import { InvalidRequestError } from '../../errors/index.js';
import type { Location } from '../../http/index.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../../json/index.js';

/** Maximum number of secrets of a conversation. */
const MAX_SECRETS = 5_000;
/**
 * Maximum total length of their values (UTF-16 units), so that the mask is built in a fraction of a second.
 */
export const MAX_SECRET_LENGTH = 512 * 1024;

/** The parts of a state that contain secrets. */
export interface SecretHolder {
  /** Secret sources by name. */
  secrets: Readonly<Record<string, JsonObject>>;
  agent: { agent_context: JsonObject | null };
}

/**
 * All secret sources by name. Those of the conversation take precedence over those of the agent's context.
 */
export function secretSources({ secrets, agent }: SecretHolder): Record<string, JsonObject> {
  const context = Object.entries(asJsonObject(agent.agent_context?.['secrets'])).map(
    ([name, source]): [string, JsonObject] => [
      name,
      isJsonObject(source) ? source : { kind: 'StaticSecret', value: source },
    ],
  );
  return { ...Object.fromEntries(context), ...secrets };
}

/** The values of static secrets, as opposed to looked-up ones. */
export function staticValues(sources: Record<string, JsonObject>): string[] {
  return Object.values(sources).flatMap(({ value }) => (typeof value === 'string' ? [value] : []));
}

/**
 * Rejects more secrets than can be masked without delay.
 * @param location path of the secrets in the request
 * @throws InvalidRequestError
 */
export function assertSecretsFit(holder: SecretHolder, location: Location): void {
  const sources = secretSources(holder);
  const count = Object.keys(sources).length;
  const length = staticValues(sources).reduce((sum, value) => sum + value.length, 0);
  const problem =
    count > MAX_SECRETS
      ? `a conversation has at most ${MAX_SECRETS} secrets, these would be ${count}`
      : `the secrets of a conversation have at most ${MAX_SECRET_LENGTH} characters together, these would have ${length}`;
  // The input is left out: it contains all secrets.
  if (count > MAX_SECRETS || length > MAX_SECRET_LENGTH)
    throw new InvalidRequestError([...location], problem, null);
}
