import { parsePointer, type SecretCodec } from '../../crypto/index.js';
import { InvalidRequestError } from '../../errors/index.js';
import type { Location } from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';
import type { RequestedConversation } from '../state/start-request.js';
import { assertSecretsFit } from './secret-sources.js';

/**
 * Decrypts the tokens of this server in a request.
 * @param locate converts a path in `value` to a path in the request
 * @param encrypted the request states that its secrets are tokens
 * @throws InvalidRequestError for a credential that is a token of another server: it must not be sent to a
 *   provider
 */
export function decryptRequestSecrets(
  codec: SecretCodec,
  value: JsonObject,
  locate: (path: Location) => Location,
  encrypted = false,
): JsonObject {
  const { value: decrypted, foreign } = codec.decryptTokens(value, encrypted);
  const [pointer] = foreign;
  if (pointer === undefined) return decrypted;
  throw new InvalidRequestError(
    locate(pathOf(value, pointer)),
    'this is an encrypted token that no key of this server opens; send the secret itself, or set OH_SECRET_KEY ' +
      'or OH_PREVIOUS_SECRET_KEYS to the key that made it',
  );
}

/**
 * A create request with tokens of this server decrypted.
 * @throws InvalidRequestError
 */
export function decryptRequest<R extends RequestedConversation>(codec: SecretCodec, request: R): R {
  const { agent, secrets, security_analyzer, hook_config, rest, agentField = 'agent' } = request;
  const decrypted = decryptRequestSecrets(
    codec,
    { agent, secrets, security_analyzer, hook_config, rest },
    ([root = 'agent', ...path]) => [
      'body',
      ...(root === 'agent' ? [agentField] : root === 'rest' ? [] : [root]),
      ...path,
    ],
    rest['secrets_encrypted'] === true,
  );
  const full = { ...request, ...decrypted };
  assertSecretsFit(full, ['body', 'secrets']);
  return full;
}

/** Converts a JSON pointer to a path; indexes of arrays become numbers. */
function pathOf(value: unknown, pointer: string): Location {
  let current = value;
  return parsePointer(pointer).map((name) => {
    const isIndex = Array.isArray(current);
    current = typeof current === 'object' && current !== null ? Reflect.get(current, name) : undefined;
    return isIndex ? Number(name) : name;
  });
}
