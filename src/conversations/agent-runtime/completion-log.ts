import type { SecretCodec } from '../../crypto/index.js';
import type { EventDraft } from '../../events/index.js';
import type { Llm } from '../../llm/index.js';
import { parseJson } from '../../json/index.js';
import type { EventSink } from '../journal/event-sink.js';
import type { SecretMasker } from '../secrets/secret-masker.js';

/**
 * Appends an event for every model call of a conversation whose agent has `log_completions`.
 * @returns stops it
 */
export function logCompletions(
  sink: EventSink,
  masker: SecretMasker,
  codec: SecretCodec,
  llm: Llm,
): () => void {
  return llm.listen(sink.state.id, ({ filename, data, model, usageId }) => {
    const kwargs = codec.mask({ kwargs: data['kwargs'] });
    const event: EventDraft = {
      source: 'environment',
      filename,
      log_data: maskJson({ ...data, ...kwargs }, (text) => masker.mask(text)),
      model_name: model,
      usage_id: usageId,
      kind: 'LLMCompletionLogEvent',
    };
    // Nobody waits for this event. The journal reports when it accepts no more events.
    sink.commit([event]).catch(() => undefined);
  });
}

/** Serialises a value with masked secrets. Strings that contain JSON are masked inside, too. */
function maskJson(value: unknown, mask: (text: string) => string): string {
  return JSON.stringify(value, (_key, field: unknown) => {
    if (typeof field !== 'string') return field;
    const inner = /^\s*[{[]/.test(field) ? tryParse(field) : undefined;
    return mask(inner === undefined ? field : maskJson(inner, mask));
  });
}

function tryParse(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
