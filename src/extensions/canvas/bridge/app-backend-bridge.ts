import type { IncomingMessage } from 'node:http';
import { Injectable, ServiceUnavailableException, UnauthorizedException } from '@nestjs/common';
import type { NextFunction, Request as HttpRequest, Response as HttpResponse } from 'express';
import { Authenticator, principalOf } from '../../../auth/index.js';
import { AppConfig } from '../../../config/index.js';
import type { BackendRun } from '../backends/processes/backend-run.js';
import { CanvasBackends } from '../backends/canvas-backends.js';
import { type BackendAddress, parseBackendAddress, isBackendAddress } from './backend-address.js';
import { type BridgeSession, BridgeSessions } from './bridge-sessions.js';
import type { BackendTarget } from './backend-request.js';
import { forwardRequest } from './forward-request.js';
import { Ingress } from './ingress.js';

/** Methods without effects, which links and images can use. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
const FORWARDED = new Set([...SAFE, 'POST', 'PUT', 'PATCH', 'DELETE']);
/** The server's own routes below `/app-backends`. */
const SESSION_ROUTE = /^\/app-backends\/[^/?]+\/session(\?|$)/;

/** An authorized client of a back end. */
export interface AdmittedSocket {
  backend: BackendTarget;
  session: BridgeSession;
}

/**
 * Forwards browsers to the back ends of canvas extensions: below `/app-backends/{name}`, on a separate
 * origin, with a session that was opened with a key and ends with it.
 */
@Injectable()
export class AppBackendBridge {
  private readonly ingress: Ingress;
  private readonly sessions = new BridgeSessions();

  constructor(
    config: AppConfig,
    private readonly backends: CanvasBackends,
    private readonly authenticator: Authenticator,
  ) {
    this.ingress = new Ingress(config);
  }

  /**
   * Opens a session for the requesting page.
   * @throws HttpException
   */
  open(name: string, request: HttpRequest): { session: BridgeSession; url: string } {
    this.ingress.assertAddressed(request);
    this.ingress.assertFromControl(request, request.path);
    this.ingress.assertKeepsCookies();
    const session = this.sessions.open(name, this.readyRun(name));
    const principal = principalOf(request);
    if (principal) {
      const stop = this.authenticator.whenEnded(principal, () => this.sessions.close(session));
      session.ended.addEventListener('abort', stop, { once: true });
    }
    return { session, url: this.ingress.urlOf(name) };
  }

  /**
   * Revokes the session of the request, if any.
   * @throws HttpException
   */
  close(name: string, request: HttpRequest): void {
    this.ingress.assertAddressed(request);
    this.ingress.assertFromControl(request, request.path);
    const session = this.sessions.find(name, request.headers.cookie);
    if (session) this.sessions.close(session);
  }

  /** Middleware that forwards requests before the server reads their bodies. */
  readonly beforeBodies = (request: HttpRequest, response: HttpResponse, next: NextFunction): void => {
    const { url, method } = request;
    const isSession = SESSION_ROUTE.test(url) && (method === 'POST' || method === 'DELETE');
    if (!isBackendAddress(url) || isSession || !FORWARDED.has(method)) return next();
    this.forward(request, response).catch(next);
  };

  /**
   * Authorizes a WebSocket.
   * @throws HttpException, RequestValidationError
   */
  admitSocket(request: IncomingMessage): AdmittedSocket {
    return this.admit(request, parseBackendAddress(request.url ?? ''), false);
  }

  private async forward(request: HttpRequest, response: HttpResponse): Promise<void> {
    const { backend } = this.admit(request, parseBackendAddress(request.url), SAFE.has(request.method));
    await forwardRequest(request, response, backend);
  }

  private admit(request: IncomingMessage, { name, target }: BackendAddress, isSafe: boolean): AdmittedSocket {
    this.ingress.assertAddressed(request);
    if (!isSafe) this.ingress.assertFromIngress(request);
    const run = this.readyRun(name);
    const session = this.sessions.find(name, request.headers.cookie);
    if (session?.run !== run) throw new UnauthorizedException({ detail: 'Unauthorized' });
    return { backend: { port: run.port ?? 0, target }, session };
  }

  private readyRun(name: string): BackendRun {
    const run = this.backends.readyRun(name);
    if (run) return run;
    throw new ServiceUnavailableException('Canvas App backend is not ready');
  }
}
