/** A span as a receiver of OTLP sees it. */
export interface SeenSpan {
  traceId: string;
  spanId: string;
  /** Empty for the first span of a trace. */
  parentId: string;
  name: string;
  /** 1 internal, 2 server, 3 client. */
  kind: number;
  /** Nanoseconds. */
  start: bigint;
  end: bigint;
  attributes: Record<string, unknown>;
  events: { name: string; attributes: Record<string, unknown> }[];
  links: { traceId: string; spanId: string }[];
  /** Code 2: an error. */
  status: { code: number; message: string };
  resource: Record<string, unknown>;
}

/** A field of a protobuf message: a number, or bytes. */
type Field = bigint | Buffer;

/**
 * Reads the spans of an `ExportTraceServiceRequest`
 * (https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto).
 * Independent of the package that writes it.
 */
export function readSpans(request: Buffer): SeenSpan[] {
  return children(request, 1).flatMap((resourceSpans) => {
    const resource = attributesIn(children(resourceSpans, 1)[0] ?? Buffer.alloc(0), 1);
    return children(resourceSpans, 2)
      .flatMap((scopeSpans) => children(scopeSpans, 2))
      .map((span) => readSpan(span, resource));
  });
}

function readSpan(span: Buffer, resource: Record<string, unknown>): SeenSpan {
  const [status = Buffer.alloc(0)] = children(span, 15);
  return {
    traceId: hexIn(span, 1),
    spanId: hexIn(span, 2),
    parentId: hexIn(span, 4),
    name: textIn(span, 5),
    kind: Number(numberIn(span, 6)),
    start: numberIn(span, 7),
    end: numberIn(span, 8),
    attributes: attributesIn(span, 9),
    events: children(span, 11).map((event) => ({
      name: textIn(event, 2),
      attributes: attributesIn(event, 3),
    })),
    links: children(span, 13).map((link) => ({ traceId: hexIn(link, 1), spanId: hexIn(link, 2) })),
    status: { code: Number(numberIn(status, 3)), message: textIn(status, 2) },
    resource,
  };
}

function attributesIn(message: Buffer, number: number): Record<string, unknown> {
  return Object.fromEntries(
    children(message, number).map((pair) => [textIn(pair, 1), valueIn(children(pair, 2)[0])]),
  );
}

/** An `AnyValue`: exactly one of its fields is set. */
function valueIn(value: Buffer | undefined): unknown {
  for (const [number, field] of value ? fields(value) : []) {
    if (typeof field === 'bigint') {
      if (number === 2) return field === 1n;
      if (number === 3) return Number(BigInt.asIntN(64, field));
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(field);
      return bytes.readDoubleLE();
    }
    if (number === 1) return field.toString();
    if (number === 5) return children(field, 1).map(valueIn);
  }
  return undefined;
}

function children(message: Buffer, number: number): Buffer[] {
  return fields(message).flatMap(([found, field]) =>
    found === number && typeof field !== 'bigint' ? [field] : [],
  );
}

function textIn(message: Buffer, number: number): string {
  return children(message, number)[0]?.toString() ?? '';
}

function hexIn(message: Buffer, number: number): string {
  return children(message, number)[0]?.toString('hex') ?? '';
}

function numberIn(message: Buffer, number: number): bigint {
  const found = fields(message).find(([at, field]) => at === number && typeof field === 'bigint')?.[1];
  return typeof found === 'bigint' ? found : 0n;
}

/** The fields of a message in their order (https://protobuf.dev/programming-guides/encoding/). */
function fields(message: Buffer): [number: number, field: Field][] {
  const found: [number, Field][] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) throw new RangeError('the message ends within a number');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = Number(varint());
    const number = tag >> 3;
    switch (tag & 7) {
      case 0:
        found.push([number, varint()]);
        break;
      case 1:
        found.push([number, message.readBigUInt64LE(at)]);
        at += 8;
        break;
      case 2: {
        const length = Number(varint());
        found.push([number, message.subarray(at, at + length)]);
        at += length;
        break;
      }
      case 5:
        found.push([number, BigInt(message.readUInt32LE(at))]);
        at += 4;
        break;
      default:
        throw new RangeError(`unknown type of a field: ${tag & 7}`);
    }
  }
  return found;
}
