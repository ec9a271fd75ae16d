import { Logger } from '@nestjs/common';
import type { DiagLogger } from '@opentelemetry/api';
import type { TextMask } from './recorded-span.js';

/** The time between two lines (ms). */
const INTERVAL_MS = 5 * 60_000;
const MAX_LENGTH = 300;

/**
 * What OpenTelemetry reports, in at most one line every five minutes: a receiver that is away for a night
 * must not fill the log.
 */
export class RareLog implements DiagLogger {
  private readonly logger = new Logger('Telemetry');
  private nextAt = 0;
  private suppressed = 0;

  constructor(private readonly mask: TextMask) {}

  error(message: string): void {
    this.report(message);
  }

  warn(message: string): void {
    this.report(message);
  }

  info(): void {
    return;
  }

  debug(): void {
    return;
  }

  verbose(): void {
    return;
  }

  private report(message: string): void {
    const now = performance.now();
    if (now < this.nextAt) {
      this.suppressed += 1;
      return;
    }
    this.nextAt = now + INTERVAL_MS;
    const more = this.suppressed === 0 ? '' : ` (and ${this.suppressed} problems since the last report)`;
    this.suppressed = 0;
    this.logger.warn(`traces: ${this.mask(summaryOf(message)).slice(0, MAX_LENGTH)}${more}`);
  }
}

/** OpenTelemetry reports errors as JSON with a stack. */
function summaryOf(text: string): string {
  try {
    const error: unknown = JSON.parse(text);
    if (typeof error !== 'object' || error === null) return text;
    const facts = ['name', 'message', 'code'].map((name): unknown => Reflect.get(error, name));
    return facts.filter((fact) => typeof fact === 'string' && fact !== '').join(': ');
  } catch {
    return text;
  }
}
