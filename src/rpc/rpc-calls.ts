import { ForbiddenException, Injectable, Logger } from '@nestjs/common';
import type { Request as HttpRequest } from 'express';
import { AuditTrail } from '../audit/index.js';
import { clientAddress, type KeyScope, type Principal, refusalOf } from '../auth/index.js';
import { AppConfig } from '../config/index.js';
import { errorStack } from '../errors/index.js';
import { type ErrorAnswer, expectedAnswer } from '../http/index.js';
import { meters } from '../meters/index.js';

/** One call of a protocol whose requests all come by the same route. */
export interface RpcCall {
  request: HttpRequest;
  principal: Principal;
  /** The name of the audit log, such as `Mcp_send_message`. */
  operation: string;
  /** What a key needs for it. Calls that need more than `read` change something. */
  scope: KeyScope;
  /** The conversation that the call names. */
  conversationId?: string;
}

/** Statuses that are recorded also of calls that only read. */
const REFUSALS = new Set([401, 403, 429]);
const DONE = 200;

/**
 * Does for calls of JSON-RPC what guards do for routes: checks the scope of the key and writes the audit log.
 * A call is recorded by the server that executes it.
 */
@Injectable()
export class RpcCalls {
  private readonly logger = new Logger('Rpc');

  constructor(
    private readonly trail: AuditTrail,
    private readonly config: AppConfig,
  ) {}

  /**
   * @param work gets a function that names the conversation which the call has created
   * @throws ForbiddenException, AuditUnavailableError, and the errors of `work`
   */
  async perform<T>(call: RpcCall, work: (nameConversation: (id: string) => void) => Promise<T>): Promise<T> {
    const { principal, operation, scope, request } = call;
    const startedAt = Date.now();
    const started = performance.now();
    let { conversationId } = call;
    const record = (status: number): void => {
      meters.rpcCalls[REFUSALS.has(status) ? 'refused' : status === DONE ? 'done' : 'failed'].add();
      if (scope === 'read' && !REFUSALS.has(status)) return;
      const address = clientAddress(request, this.config.trust_forwarded_headers);
      const durationMs = performance.now() - started;
      this.trail.record({ principal, address, operation, conversationId, status, startedAt, durationMs });
    };
    try {
      const refusal = refusalOf(principal, { scope, own: true });
      if (refusal !== undefined) throw new ForbiddenException({ detail: refusal });
      if (scope !== 'read') await this.trail.assertWritable();
      const result = await work((id) => (conversationId = id));
      record(DONE);
      return result;
    } catch (error) {
      record(expectedAnswer(error, call.request)?.status ?? 500);
      throw error;
    }
  }

  /** What a client of the REST API would be answered. An unexpected error is logged, and told with its id. */
  answerTo(error: unknown, path: string): ErrorAnswer {
    const expected = expectedAnswer(error, { path });
    if (expected) return expected;
    this.logger.error(`a call of ${path} failed`, errorStack(error));
    return { status: 500, body: { detail: 'Internal Server Error' } };
  }
}
