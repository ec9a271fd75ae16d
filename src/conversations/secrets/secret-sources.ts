import { InvalidRequestError } from '../../errors/index.js';
import type { Location } from '../../http/validation/problem.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';

/** How many secrets a conversation may have. */
const MAX_SECRETS = 5_000;
/**
 * How long their values may be together (UTF-16 units): what hides them is built in a fraction of a second.
 */
export const MAX_SECRET_LENGTH = 512 * 1024;

/** What holds the secrets of a conversation. */
export interface SecretHolder {
  /** Secret sources by name. */
  secrets: Readonly<Record<string, JsonObject>>;
  agent: { agent_context: JsonObject | null };
}

/**
 * Secret sources by name: those of the conversation, and those of the agent's context, which do not take
 * their place.
 */
export function secretSources({ secrets, agent }: SecretHolder): Record<string, JsonObject> {
  const given = agent.agent_context?.['secrets'];
  const context = Object.entries(isJsonObject(given) ? given : {}).map(
    ([name, source]): [string, JsonObject] => [
      name,
      isJsonObject(source) ? source : { kind: 'StaticSecret', value: source },
    ],
  );
  return { ...Object.fromEntries(context), ...secrets };
}

/** The values that are told, as opposed to those that are looked up. */
export function staticValues(sources: Record<string, JsonObject>): string[] {
  return Object.values(sources).flatMap(({ value }) => (typeof value === 'string' ? [value] : []));
}

/**
 * Refuses more secrets than can be hidden in texts without a delay.
 * @param location where in the request they stand
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
  // Not the input: it is all of the secrets.
  if (count > MAX_SECRETS || length > MAX_SECRET_LENGTH)
    throw new InvalidRequestError([...location], problem, null);
}
