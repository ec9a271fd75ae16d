/** Statistics of the deliveries of one webhook since the server started. */
export class DeliveryStatus {
  /** Delivered events. */
  events = 0;
  /** Successful requests. */
  requests = 0;
  /** Failed requests. */
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
