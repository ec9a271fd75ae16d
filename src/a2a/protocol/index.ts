import { LegacyJsonRpcTransportHandler } from '@a2a-js/sdk/compat/v0_3/server';
import { VersionNotSupportedError } from '@a2a-js/sdk/errors';
import { JsonRpcTransportHandler, ServerCallContext } from '@a2a-js/sdk/server';
import { detailText, RPC_CODES } from '../../http/index.js';
import { asJsonObject, isJsonObject } from '../../json/index.js';
import { A2aCall, type A2aExchange, type A2aServices } from './a2a-call.js';
import { type CardFacts, currentCard, legacyCard, PROTOCOL_VERSIONS } from './agent-card.js';

export type { A2aExchange, A2aServices } from './a2a-call.js';
export { type CardFacts } from './agent-card.js';

/** An answer of JSON-RPC 2.0. */
export type RpcAnswer = object;

const [CURRENT, LEGACY] = PROTOCOL_VERSIONS;
/** Methods of version 0.3 have names such as `message/send`, those of 1.0 such as `SendMessage`. */
const LEGACY_METHOD = /^[a-z]+\//;
/** Longest id of a request, which each event of a stream repeats (characters). */
const MAX_ID = 255;
const MALFORMED = {
  code: RPC_CODES.invalidParams,
  message: 'A parameter is missing, or has the wrong type.',
};

/**
 * The card of the agent in the form of a version.
 * @param version as a client says it; undefined: it does not
 */
export function cardFor(facts: CardFacts, version: string | undefined): object {
  return version === CURRENT ? currentCard(facts) : legacyCard(facts);
}

/**
 * Answers a request of the protocol: at once, or with a stream of answers.
 * @param version of the protocol, as the client says it; undefined: the name of the method tells
 * @throws what has to be answered with an HTTP status
 */
export async function answerRequest(
  body: unknown,
  version: string | undefined,
  services: A2aServices,
  exchange: A2aExchange,
): Promise<RpcAnswer | AsyncGenerator<RpcAnswer, void>> {
  const id = idOf(body);
  const invalid = problemOf(body);
  if (invalid !== undefined) return failed(id, { code: RPC_CODES.invalidRequest, message: invalid });
  const { method, params } = body as { method: string; params?: unknown };
  // There are none, and the SDK keeps what is given.
  if (isJsonObject(params)) delete params['tenant'];
  const isLegacy = version === undefined ? LEGACY_METHOD.test(method) : version === LEGACY;
  const { errorOf, Handler } = isLegacy ? LEGACY_WIRE : CURRENT_WIRE;
  if (version !== undefined && !isSpoken(version))
    return failed(id, errorOf(new VersionNotSupportedError(unspoken(version))));
  const call = new A2aCall(services, exchange);
  const context = new ServerCallContext({ requestedVersion: isLegacy ? LEGACY : CURRENT });
  const answer = await new Handler(call).handle(body as Record<string, unknown>, context);
  if (!(Symbol.asyncIterator in answer)) {
    if (call.failure !== undefined) throw call.failure;
    return 'error' in answer ? failed(id, readable(answer.error)) : answer;
  }
  let first: IteratorResult<RpcAnswer, void>;
  try {
    // What fails before the first answer is answered without a stream.
    first = await answer.next();
  } catch (error) {
    if (call.failure !== undefined) throw call.failure;
    return failed(id, readable(errorOf(error)));
  }
  return (async function* () {
    try {
      if (!first.done) yield first.value;
      yield* answer;
    } catch (error) {
      // Too late for a status: it is the last answer.
      if (call.failure === undefined) yield failed(id, errorOf(error));
      else {
        const { body } = services.calls.answerTo(call.failure, exchange.request.path);
        yield failed(id, { code: RPC_CODES.serverError, message: detailText(body) });
      }
    }
  })();
}

const CURRENT_WIRE = {
  Handler: JsonRpcTransportHandler,
  errorOf: (error: unknown): object => JsonRpcTransportHandler.mapToJSONRPCError(error),
};
const LEGACY_WIRE = {
  Handler: LegacyJsonRpcTransportHandler,
  errorOf: (error: unknown): object => LegacyJsonRpcTransportHandler.mapToLegacyJSONRPCError(error),
};

/** Why a body is no request of JSON-RPC; undefined if it is one. */
function problemOf(body: unknown): string | undefined {
  if (Array.isArray(body)) return 'Batches are not supported: send each request by itself.';
  if (!isJsonObject(body) || body['jsonrpc'] !== '2.0' || typeof body['method'] !== 'string')
    return 'The body is no request of JSON-RPC 2.0.';
  const { id = null } = body;
  return id === null || isId(id)
    ? undefined
    : `The id of the request must be an integer or a text of at most ${MAX_ID} characters.`;
}

function idOf(body: unknown): unknown {
  const id = isJsonObject(body) ? body['id'] : undefined;
  return isId(id) ? id : null;
}

function isId(id: unknown): boolean {
  return typeof id === 'string' ? id.length <= MAX_ID : Number.isInteger(id);
}

function failed(id: unknown, error: object): RpcAnswer {
  return { jsonrpc: '2.0', id, error };
}

/**
 * An error of the SDK as clients are told it. What fails in a call is kept there, so that an internal error
 * is one of reading the parameters, which has the words of JavaScript for a value of the wrong type.
 */
function readable(error: unknown): object {
  const told = asJsonObject(error);
  return told['code'] === RPC_CODES.internalError ? MALFORMED : told;
}

function isSpoken(version: string): boolean {
  return PROTOCOL_VERSIONS.some((spoken) => spoken === version);
}

function unspoken(version: string): string {
  return `Version '${version.slice(0, 20)}' of the protocol is not supported, only ${PROTOCOL_VERSIONS.join(' and ')}.`;
}
