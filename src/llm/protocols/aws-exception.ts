import { RefusalError } from './refusal.js';

/**
 * The statuses that AWS would have answered with
 * (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html).
 */
const STATUS: Readonly<Record<string, number>> = {
  throttlingException: 429,
  serviceUnavailableException: 503,
  modelTimeoutException: 408,
  validationException: 400,
};

/**
 * The exception in an event of converse's stream, which the SDK passes on without its name, or not at all.
 */
export function awsException(event: unknown): RefusalError | undefined {
  if (typeof event !== 'object' || event === null) return undefined;
  const name = Object.keys(event).find((key) => key.endsWith('Exception'));
  if (name === undefined) return undefined;
  const said = new Map<string, unknown>(Object.entries(event)).get(name);
  return new RefusalError(STATUS[name] ?? 500, JSON.stringify(said));
}
