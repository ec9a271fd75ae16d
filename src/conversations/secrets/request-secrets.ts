import { InvalidRequestError } from '../../errors/index.js';
import type { Location } from '../../http/validation/problem.js';
import type { JsonObject } from '../../json/index.js';
import type { SecretsGiven } from '../conversation/conversation-services.js';

/**
 * What a request brings, with the tokens of this server opened.
 * @param locate where in the request a path of `value` stands
 * @param encrypted the request says that its secrets are tokens
 * @throws InvalidRequestError naming a credential that is the token of another server: no provider may get it
 */
export function decryptRequestSecrets(
  secrets: SecretsGiven,
  value: JsonObject,
  locate: (path: Location) => Location,
  encrypted = false,
): JsonObject {
  const { value: opened, foreign } = secrets.reveal(value, encrypted);
  const [pointer] = foreign;
  if (pointer === undefined) return opened;
  throw new InvalidRequestError(
    locate(pathOf(value, pointer)),
    'this is an encrypted token that no key of this server opens; send the secret itself, or set OH_SECRET_KEY ' +
      'or OH_PREVIOUS_SECRET_KEYS to the key that made it',
  );
}

/** A JSON pointer as a path: positions in lists are numbers. */
function pathOf(value: unknown, pointer: string): Location {
  let at = value;
  return pointer
    .split('/')
    .slice(1)
    .map((segment) => {
      const name = segment.replaceAll('~1', '/').replaceAll('~0', '~');
      const inList = Array.isArray(at);
      at = typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined;
      return inList ? Number(name) : name;
    });
}
