import { AsyncLocalStorage } from 'node:async_hooks';

/** The request that the current work belongs to. */
export interface RequestContext {
  /** In each of its log lines, in `X-Request-ID` of the answer, and as `error_id` in bodies of 5xx. */
  readonly id: string;
  /** The answer is sent. Work that continues after it (a run, a timer) no longer belongs to the request. */
  answered: boolean;
}

const storage = new AsyncLocalStorage<RequestContext>();

/** Executes work as part of a request. */
export function withinRequest(request: RequestContext, work: () => void): void {
  storage.run(request, work);
}

/** The request of the current asynchronous context, until it is answered. */
export function currentRequest(): RequestContext | undefined {
  const request = storage.getStore();
  return request?.answered === false ? request : undefined;
}
