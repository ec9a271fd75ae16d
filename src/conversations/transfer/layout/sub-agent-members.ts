import { createHash } from 'node:crypto';
import path from 'node:path';
import type { ConversationDocuments } from '../../state/conversation-documents.js';
import { isJsonObject, tryParseJson, asJsonObject } from '../../../json/index.js';
import { dashedUuid } from '../../../text/index.js';
import type { Masking } from './masked-json.js';
import { linesOf, type PlainFile, type ZipMember } from '../../../files/index.js';
import { documentMember, eventFileName, filesIn, folderMember } from './trajectory-members.js';

/** The log of a sub-agent's task; its first line names the type of the agent. */
const TASK = /^task_\d{8,}\.jsonl$/;
const IDS = /^\{"id":"([\w-]{1,100})","timestamp":"([^"]{1,40})"/;
/** The end of an event that is never a parent. */
const STATE_UPDATE = '"kind":"ConversationStateUpdateEvent"}';

type Parent = ConversationDocuments['baseState'];

/** The tasks of a conversation. */
interface TaskSource {
  /** Absolute path of the folder with their logs; may be missing. */
  folder: string;
  /** Name of the folder in the zip. */
  root: string;
  /** `base_state.json` of the conversation; undefined if its metadata is damaged. */
  parent?: Parent;
  masking: Masking;
}

/**
 * The tasks of a conversation's sub-agents: each is a folder with `events/` and `base_state.json`, as the
 * original stores the conversation of a sub-agent. The state is that of the conversation with the
 * differences; `agent_state` names the task.
 */
export async function* subAgentMembers(source: TaskSource): AsyncGenerator<ZipMember, void> {
  let isFirst = true;
  for await (const file of filesIn(source.folder, TASK)) {
    if (isFirst) yield folderMember(source.root);
    isFirst = false;
    yield* taskMembers(file, source);
  }
}

async function* taskMembers(
  file: PlainFile,
  { root, parent, masking }: TaskSource,
): AsyncGenerator<ZipMember, void> {
  const taskId = path.basename(file.path, '.jsonl');
  const id = idOfTask(root, taskId);
  const folder = `${root}/${id}`;
  yield folderMember(folder);
  yield folderMember(`${folder}/events`);
  let seq = 0;
  let head: string | undefined;
  let leaf: string | undefined;
  for await (const line of linesOf(file)) {
    const [, eventId, timestamp = ''] = IDS.exec(line) ?? [];
    head ??= line;
    if (eventId === undefined) continue;
    if (!line.endsWith(STATE_UPDATE)) leaf = eventId;
    const name = `${folder}/events/${eventFileName(seq, eventId)}`;
    yield documentMember(name, masking.line(line), new Date(timestamp));
    seq += 1;
  }
  if (!parent) return;
  const state = {
    ...parent,
    id: dashedUuid(id),
    persistence_dir: `${parent.persistence_dir}/subagents/${id}`,
    execution_status: 'finished',
    ...{ activated_knowledge_skills: [], invoked_skills: [], blocked_actions: {}, blocked_messages: {} },
    last_user_message_id: undefined,
    leaf_event_id: leaf,
    head_is_empty: false,
    stats: { usage_to_metrics: usageOf(parent, taskId) },
    secret_registry: { secret_sources: {} },
    ...{ tags: {}, agent_state: { task_id: taskId, subagent: subagentIn(head) } },
  };
  const text = masking.line(JSON.stringify(state));
  yield documentMember(`${folder}/base_state.json`, text, file.stats.mtime);
}

/** A stable id of 32 hex digits, as the original names these folders. */
function idOfTask(folder: string, task: string): string {
  return createHash('sha256').update(`${folder}/${task}`).digest('hex').slice(0, 32);
}

/** The usage of a task is stored under its name. */
function usageOf({ stats }: Parent, taskId: string): Record<string, unknown> {
  const all = isJsonObject(stats) ? stats['usage_to_metrics'] : undefined;
  const name = `task:${taskId}`;
  return isJsonObject(all) && name in all ? { [name]: all[name] } : {};
}

function subagentIn(line = ''): unknown {
  return asJsonObject(tryParseJson(line))['subagent'];
}
