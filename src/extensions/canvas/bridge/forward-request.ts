import type { IncomingMessage } from 'node:http';
import { BadGatewayException } from '@nestjs/common';
import type { Request, Response } from 'express';
import {
  askUpstream,
  type ForwardedHeaders,
  framingOf,
  passAnswer,
  RequestBody,
} from '../../../forwarding/index.js';
import { backendAnswerHeaders, backendRequest, type BackendTarget } from './backend-request.js';

const NOT_MODIFIED = 304;

/**
 * Forwards a request to a back end and streams its answer back. Resolves when the answer is sent.
 * @throws BadGatewayException if the program fails before it answers
 */
export async function forwardRequest(
  request: Request,
  response: Response,
  target: BackendTarget,
): Promise<void> {
  const left = new AbortController();
  response.once('close', () => left.abort());
  const body = new RequestBody(request);
  const answer = await answerOf(request, target, body, left.signal);
  // The client has disconnected.
  if (answer === undefined) return;
  const status = answer.statusCode ?? 502;
  if (status >= 300 && status < 400 && status !== NOT_MODIFIED) {
    body.stop();
    answer.destroy();
    throw new BadGatewayException('Upstream redirect is not allowed');
  }
  await passAnswer(answer, response, headersFor(response, backendAnswerHeaders(answer)));
}

async function answerOf(
  request: Request,
  target: BackendTarget,
  body: RequestBody,
  left: AbortSignal,
): Promise<IncomingMessage | undefined> {
  const outgoing = backendRequest(request, target);
  const headers = { ...outgoing.headers, ...framingOf(request) };
  try {
    return await askUpstream({ ...outgoing, headers }, body, left);
  } catch {
    if (left.aborted) return undefined;
    throw new BadGatewayException('Canvas App backend unreachable');
  }
}

/** The server's own CORS headers take precedence, and what the answer varies with is added to its own. */
function headersFor(response: Response, given: ForwardedHeaders): ForwardedHeaders {
  const kept = Object.entries(given).filter(
    ([name]) => !name.startsWith('access-control-') || !response.hasHeader(name),
  );
  return Object.fromEntries(
    kept.map(([name, values]) =>
      name === 'vary' ? [name, [...varyOf(response), ...values]] : [name, values],
    ),
  );
}

function varyOf(response: Response): string[] {
  return [response.getHeader('vary') ?? []].flat().map(String);
}
