import type { SecretCodec } from '../../crypto/index.js';
import { EXECUTION_STATUSES } from '../../events/index.js';
import { DamagedConversationError, type StoredMetadata } from '../../storage/index.js';
import type { JsonObject } from '../../json/index.js';
import type { ConversationState } from './conversation-state.js';

/** Version of the layout of `metadata.json`. Raised when older readers would misread it. */
const FORMAT = 1;

/** Defaults of fields that older files lack. */
const LATER_FIELDS = {
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
  const { id, created_at, updated_at, execution_status, parent_conversation_id } = state;
  return {
    ...codec.encrypt({ format: FORMAT, log_position: logPosition, ...state }),
    id,
    created_at,
    updated_at,
    execution_status,
    parent_conversation_id,
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

/** Checks the essential fields; the others are written together with them. */
function assertState(state: JsonObject): asserts state is JsonObject & ConversationState {
  const { id, agent, workspace, execution_status, stats } = state;
  const broken = [
    typeof id === 'string' || 'id',
    (typeof agent === 'object' && agent !== null && 'llm' in agent) || 'agent',
    (typeof workspace === 'object' && workspace !== null && 'working_dir' in workspace) || 'workspace',
    EXECUTION_STATUSES.some((status) => status === execution_status) || 'execution_status',
    (typeof stats === 'object' && stats !== null && 'usage_to_metrics' in stats) || 'stats',
  ].filter((field) => field !== true);
  if (broken.length > 0) {
    throw new DamagedConversationError(String(id), `metadata.json: not valid: ${broken.join(', ')}`);
  }
}
