import { traced } from '../../telemetry/index.js';

/** Reads from a log within a span, if the read is part of something that is traced. */
export function tracedRead<T>(operation: string, read: () => Promise<T>): Promise<T> {
  return traced(
    operation,
    () => ({ onlyWithin: true, attributes: { 'db.operation.name': operation } }),
    read,
  );
}
