import {
  type Attributes as OtelAttributes,
  type Context,
  context,
  type Span as OtelSpan,
  SpanStatusCode,
} from '@opentelemetry/api';
import type { Attributes, AttributeValue, OpenSpan } from '../span.js';

/** Masks secrets in a text. */
export type TextMask = (text: string) => string;

/** How spans say things. */
export interface SpanStyle {
  mask: TextMask;
  /** A second name of an attribute, for receivers that know it by that. */
  aliases: (name: string) => string | undefined;
}

/** Bounds of what is kept of an error and of a list (characters, items). */
const MAX_MESSAGE = 1_000;
const MAX_ITEMS = 64;
/** Longest name of a span (characters). */
const MAX_NAME = 128;

/** A span of OpenTelemetry with secrets masked in everything that it says. Without one it does nothing. */
export class RecordedSpan implements OpenSpan {
  /** The context in which its children begin. */
  work: Context | undefined;

  constructor(
    private readonly span: OtelSpan | undefined,
    private readonly style: SpanStyle,
    /** For messages of errors. */
    private readonly maskMessage: TextMask = style.mask,
  ) {}

  get isRecording(): boolean {
    return this.span?.isRecording() ?? false;
  }

  set(attributes: Attributes): void {
    if (this.isRecording) this.span?.setAttributes(this.masked(attributes));
  }

  rename(name: string): void {
    this.span?.updateName(name.slice(0, MAX_NAME));
  }

  note(event: string, attributes: Attributes = {}): void {
    if (this.isRecording) this.span?.addEvent(event, this.masked(attributes));
  }

  fail(type: string, message?: string): void {
    if (!this.isRecording) return;
    const text =
      message === undefined ? undefined : this.text(this.maskMessage(message)).slice(0, MAX_MESSAGE);
    this.span?.setAttribute('error.type', type);
    this.span?.setStatus({ code: SpanStatusCode.ERROR, message: text });
    this.span?.addEvent('exception', { 'exception.type': type, ...(text && { 'exception.message': text }) });
  }

  run(work: () => void): void {
    if (this.work) context.with(this.work, work);
    else work();
  }

  end(): void {
    this.span?.end();
  }

  private masked(attributes: Attributes): OtelAttributes {
    const result: OtelAttributes = {};
    for (const [name, value] of Object.entries(attributes)) {
      if (value === undefined) continue;
      const clean = this.clean(value);
      result[name] = clean;
      const alias = this.style.aliases(name);
      if (alias !== undefined) result[alias] = clean;
    }
    return result;
  }

  private clean(value: AttributeValue): OtelAttributes[string] {
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number') return fitting(value) ? value : String(value);
    if (typeof value === 'boolean') return value;
    const items = value.slice(0, MAX_ITEMS);
    if (items.every((item) => typeof item === 'boolean')) return items;
    if (items.every((item) => typeof item === 'number' && fitting(item))) return items;
    return items.map((item) => this.text(String(item)));
  }

  /** Half a surrogate pair would be invalid for receivers. */
  private text(value: string): string {
    return this.style.mask(value).toWellFormed();
  }
}

/** Whether receivers can read a number: integers have 64 bits there, and JSON knows no `NaN`. */
function fitting(value: number): boolean {
  return Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value));
}
