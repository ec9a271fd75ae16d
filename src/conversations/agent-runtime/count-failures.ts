import type { Llm } from '../../llm/index.js';
import type { EventSink } from '../journal/event-sink.js';
import type { SecretMasker } from '../secrets/secret-masker.js';
import type { UsageMeter } from '../state/usage-meter.js';

/**
 * Records each call of a conversation's models that has no answer: whoever made it has only the error.
 * @returns stops it
 */
export function countFailures(
  sink: EventSink,
  masker: SecretMasker,
  usage: UsageMeter,
  llm: Llm,
): () => void {
  return llm.listenToFailures(sink.state.id, (call) => {
    // Nobody waits for this event. The journal reports when it accepts no more events.
    sink.commit([masker.maskEvent(usage.countFailure(call))]).catch(() => undefined);
  });
}
