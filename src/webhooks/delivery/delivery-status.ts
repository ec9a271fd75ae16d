/** Most failures that are kept. */
const MAX_FAILURES = 20;

/** A failed request to a receiver. */
export interface DeliveryFailure {
  at: Date;
  reason: string;
  /** The status of the answer; undefined if there was none. */
  status: number | undefined;
  conversationId: string;
  /** Failed attempts of the same delivery so far. */
  attempt: number;
  /** The delivery was given up. */
  dropped: boolean;
}

/** Statistics of the deliveries of one webhook since the server started. */
export class DeliveryStatus {
  /** Delivered events. */
  events = 0;
  /** Successful requests. */
  requests = 0;
  /** Failed requests. */
  failures = 0;
  /** Deliveries that were given up. */
  dropped = 0;
  lastSuccessAt: Date | undefined;
  /** The last failures, newest first. */
  readonly recentFailures: DeliveryFailure[] = [];

  get lastFailure(): DeliveryFailure | undefined {
    return this.recentFailures[0];
  }

  succeeded(events: number): void {
    this.requests += 1;
    this.events += events;
    this.lastSuccessAt = new Date();
  }

  failed(failure: Omit<DeliveryFailure, 'at'>): void {
    this.failures += 1;
    if (failure.dropped) this.dropped += 1;
    this.recentFailures.unshift({ at: new Date(), ...failure });
    if (this.recentFailures.length > MAX_FAILURES) this.recentFailures.pop();
  }
}
