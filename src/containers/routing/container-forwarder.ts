import type { IncomingMessage, ServerResponse } from 'node:http';
import { Logger } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import {
  askUpstream,
  endToEndHeaders,
  type ForwardedHeaders,
  framingOf,
  type OutgoingRequest,
  passAnswer,
  RequestBody,
  UpstreamError,
  withoutKeys,
} from '../../forwarding/index.js';
import { parseUrl } from '../../text/index.js';
import { ContainerError } from '../fleet/container-errors.js';
import type { RunningContainer } from '../fleet/container-starter.js';
import type { ConversationContainers } from '../fleet/conversation-containers.js';

/** Containers that a request is sent to: the running one, and once a new one. */
const MAX_CONTAINERS = 2;
/** Headers for this server only: its keys, and what says who asks. */
const WITHHELD = [
  ...['authorization', 'cookie', 'host', 'expect', 'x-session-api-key', 'x-init-api-key', 'x-request-id'],
  // Its query may have held a key.
  'referer',
  ...['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-openhands-hop', 'origin'],
];
/**
 * Headers of answers that would speak for this server: an agent may have replaced the one in its container.
 */
const REFUSED = [
  ...['set-cookie', 'set-cookie2', 'date', 'server', 'vary', 'clear-site-data', 'service-worker-allowed'],
  ...['strict-transport-security', 'public-key-pins', 'alt-svc', 'nel', 'report-to', 'reporting-endpoints'],
  ...['refresh', 'sourcemap', 'www-authenticate', 'x-request-id', 'x-openhands-hop'],
  ...['access-control-allow-origin', 'access-control-allow-credentials', 'access-control-allow-headers'],
  ...['access-control-allow-methods', 'access-control-expose-headers', 'access-control-max-age'],
];
/** Pages from containers get an origin of their own. */
const SANDBOX =
  'sandbox allow-scripts allow-downloads allow-forms allow-modals allow-popups allow-popups-to-escape-sandbox';

/** What the answer of a container tells whoever keeps the lists. */
export type AfterRequest = (conversationId: string, request: IncomingMessage, status: number) => void;

/**
 * Passes requests on to the containers of their conversations, starting them if need be. Keys were checked
 * before; the container gets its own instead. What comes back is data of an agent: it can set nothing that
 * browsers keep for this server, and lead no client elsewhere, which would take its key there.
 */
export class ContainerForwarder {
  private readonly logger = new Logger('Containers');

  constructor(
    private readonly containers: ConversationContainers,
    private readonly options: { trustPages: boolean; afterRequest: AfterRequest },
  ) {}

  /** @throws EngineAwayError, ContainerError */
  async forward(id: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = new RequestBody(request);
    const stop = new AbortController();
    const leave = (): void => stop.abort(LEFT);
    response.once('close', leave);
    if (response.destroyed) leave();
    try {
      const status = await this.attempt(id, body.isRepeatable, stop.signal, async ({ server }) => {
        const outgoing = outgoingTo(server.origin, server.key, request);
        const headers = { ...outgoing.headers, ...framingOf(request) };
        const answer = await askUpstream({ ...outgoing, headers }, body, stop.signal);
        await passAnswer(answer, response, this.answerHeaders(answer, request));
        return answer.statusCode ?? 502;
      });
      this.options.afterRequest(id, request, status);
    } catch (error) {
      if (stop.signal.reason !== LEFT) throw error;
    } finally {
      body.stop();
      response.off('close', leave);
    }
  }

  /** Sends something to the container, which is in use meanwhile; once more to a new one if it has ended. */
  private async attempt<T>(
    id: string,
    isRepeatable: boolean,
    stop: AbortSignal,
    send: (container: RunningContainer) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const { container, release } = await this.containers.use(id);
      try {
        stop.throwIfAborted();
        return await send(container);
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error;
        const isUnsent = error.phase === 'connect';
        await this.containers.lost(id, container);
        if (!isUnsent || !isRepeatable || attempt === MAX_CONTAINERS) throw this.failure(id, error);
      } finally {
        release();
      }
    }
  }

  private answerHeaders(answer: IncomingMessage, request: IncomingMessage): ForwardedHeaders {
    const leadsAway = !(answer.headersDistinct['location'] ?? []).every((to) => isLocal(to, request));
    const headers = endToEndHeaders(answer, leadsAway ? [...REFUSED, 'location'] : REFUSED);
    const isPdf = /^application\/pdf\b/i.test(answer.headers['content-type'] ?? '');
    if (this.options.trustPages || isPdf) return { ...headers, 'x-content-type-options': ['nosniff'] };
    return { ...headers, 'content-security-policy': [SANDBOX], 'x-content-type-options': ['nosniff'] };
  }

  private failure(id: string, error: UpstreamError): ContainerError {
    this.logger.warn(`the container of conversation ${id}: ${errorMessage(error)}`);
    switch (error.phase) {
      case 'connect':
        return new ContainerError('upstream-failed', `Conversation container unreachable (${error.code})`);
      case 'connect-timeout':
      case 'queue':
        return new ContainerError('timeout', 'Conversation container does not accept connections');
      case 'answer':
        return new ContainerError(
          'upstream-failed',
          `Conversation container has closed the connection before its answer (${error.code}). ` +
            'The request may have been executed.',
        );
    }
  }
}

/**
 * Whether a redirect stays on this server and only reads. Clients send their key along wherever they are led,
 * and repeat a POST or DELETE there.
 */
function isLocal(location: string, { method = '' }: IncomingMessage): boolean {
  const here = 'http://here.invalid';
  return ['GET', 'HEAD'].includes(method) && parseUrl(location, here)?.origin === here;
}

/** The reason of an abort: the client has disconnected. */
const LEFT = Symbol('left');

function outgoingTo(
  origin: URL,
  key: string,
  request: IncomingMessage & { originalUrl?: string },
): OutgoingRequest {
  return {
    upstream: { origin, agent: false },
    method: request.method ?? 'GET',
    target: withoutKeys(request.originalUrl ?? request.url ?? '/'),
    // Ours come first: Node ignores headers after the first 1,000.
    headers: {
      host: origin.host,
      'x-session-api-key': key,
      ...endToEndHeaders(request, WITHHELD),
    },
  };
}
