import type { SecretCodec } from '../../crypto/index.js';
import { EXECUTION_STATUSES } from '../../events/index.js';
import { catalogueEntry, DamagedConversationError, type StoredMetadata } from '../../storage/index.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import type { ConversationState } from './conversation-state.js';

/** Version of the layout of `metadata.json`. Raised when older readers would misread it. */
const FORMAT = 1;

/** Defaults of fields that older files lack. */
const LATER_FIELDS = {
  owner_key: null,
  forked_from_conversation_id: null,
  forked_from_event_id: null,
  goal: null,
  worktree: null,
  launched_agent_profile: null,
};

/**
 * The content of `metadata.json`: the state and how many events of the log it contains. Shares objects with
 * the state: serialise it at once or pass a copy.
 */
export function toStored(state: ConversationState, logPosition: number, codec: SecretCodec): StoredMetadata {
  return {
    ...codec.encrypt({ format: FORMAT, log_position: logPosition, ...state }),
    ...catalogueEntry(state),
  };
}

/**
 * Reads `metadata.json` back.
 * @throws DamagedConversationError naming the field that is missing or not of its type
 */
export function fromStored(
  metadata: StoredMetadata,
  codec: SecretCodec,
): { state: ConversationState; logPosition: number } {
  const damaged = (reason: string): Error => new DamagedConversationError(metadata.id, reason);
  const { format, log_position, ...state } = codec.decrypt(metadata);
  if (format !== FORMAT)
    throw damaged(`metadata.json has format ${String(format)}, this server reads ${FORMAT}`);
  if (typeof log_position !== 'number') throw damaged('metadata.json has no log_position');
  const whole = { ...LATER_FIELDS, ...state };
  assertState(whole);
  return { state: whole, logPosition: log_position };
}

/**
 * As `fromStored`, with secrets as they are stored, for what shows none of them.
 * @throws DamagedConversationError
 */
export function sealedState(metadata: StoredMetadata): ConversationState {
  const { format: _format, log_position: _position, ...state } = metadata;
  const whole = { ...LATER_FIELDS, ...state };
  assertState(whole);
  return whole;
}

/** Checks what lists and views of the state rely on; the other fields are written together with them. */
function assertState(state: JsonObject): asserts state is JsonObject & ConversationState {
  const { id, agent, workspace, execution_status, stats } = state;
  const broken = [
    typeof id === 'string' || 'id',
    (isJsonObject(agent) && isJsonObject(agent['llm']) && typeof agent['llm']['model'] === 'string') ||
      'agent',
    (isJsonObject(workspace) && typeof workspace['working_dir'] === 'string') || 'workspace',
    EXECUTION_STATUSES.some((status) => status === execution_status) || 'execution_status',
    (isJsonObject(stats) && isUsage(stats['usage_to_metrics'])) || 'stats',
    isTextOrNone(state['owner_key']) || 'owner_key',
    isTextOrNone(state['title']) || 'title',
    isObjectOrNone(state['tags']) || 'tags',
    isObjectOrNone(state['agent_state']) || 'agent_state',
    isAttention(state['attention']) || 'attention',
  ].filter((field) => field !== true);
  if (broken.length > 0) {
    throw new DamagedConversationError(String(id), `metadata.json: not valid: ${broken.join(', ')}`);
  }
}

function isUsage(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  return Object.values(value).every(
    (metrics) => isJsonObject(metrics) && isJsonObject(metrics['accumulated_token_usage']),
  );
}

function isAttention(value: unknown): boolean {
  if (value === undefined) return true;
  if (!isJsonObject(value) || typeof value['since'] !== 'string') return false;
  const { word } = value;
  return word === null || (isJsonObject(word) && typeof word['text'] === 'string');
}

function isTextOrNone(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'string';
}

function isObjectOrNone(value: unknown): boolean {
  return value === undefined || isJsonObject(value);
}
