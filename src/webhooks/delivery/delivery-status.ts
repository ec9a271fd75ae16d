/** What is known of the deliveries of one webhook since the server started. */
export class DeliveryStatus {
  /** Events that the receiver has taken. */
  events = 0;
  /** Requests that the receiver has taken. */
  requests = 0;
  /** Requests that were in vain. */
  failures = 0;
  lastSuccessAt: Date | undefined;
  lastError: { at: Date; reason: string } | undefined;

  succeeded(events: number): void {
    this.requests += 1;
    this.events += events;
    this.lastSuccessAt = new Date();
  }

  failed(reason: string): void {
    this.failures += 1;
    this.lastError = { at: new Date(), reason };
  }
}
