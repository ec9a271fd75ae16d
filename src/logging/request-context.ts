import { AsyncLocalStorage } from 'node:async_hooks';

/** The request that a piece of work belongs to. */
export interface RequestContext {
  /** Stands in each line of the log, in `X-Request-ID` of the answer, and as `error_id` in bodies of 5xx. */
  readonly id: string;
  /** The answer is sent: what goes on behind it (a run, a timer) is no longer work of the request. */
  answered: boolean;
}

const storage = new AsyncLocalStorage<RequestContext>();

/** Does something as part of a request. */
export function withinRequest(request: RequestContext, work: () => void): void {
  storage.run(request, work);
}

/** The request that is being worked on here, until it is answered. */
export function currentRequest(): RequestContext | undefined {
  const request = storage.getStore();
  return request?.answered === false ? request : undefined;
}
