import { withoutNulls, type EventDraft } from '../../events/index.js';
import { isJsonObject } from '../../http/field-type.js';
import type { ConversationState } from '../conversation-state.js';
import { stateUpdate } from '../run.js';

/** The event that tells of the hooks of a conversation; none without hooks. */
export function hookConfigUpdate({ hook_config }: Pick<ConversationState, 'hook_config'>): EventDraft[] {
  return hook_config === null ? [] : [stateUpdate('hook_config', withoutNulls(asRecorded(hook_config)))];
}

/** Events call the field `async_`, answers `async`: that is how clients know them. */
function asRecorded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asRecorded);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key === 'async' ? 'async_' : key, asRecorded(field)]),
  );
}
