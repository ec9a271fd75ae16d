import path from 'node:path';
import { isBranchEvent } from '../../agent/index.js';
import type { AppConfig } from '../../config/index.js';
import type { DurableEvent } from '../../events/index.js';
import { MAX_TIMER_MS, untilAborted } from '../../flow/index.js';
import type { LogReader } from '../../storage/index.js';
import { branchPath } from '../branches/branch-path.js';
import type { Conversation } from '../conversation/conversation.js';
import { parseWithYield } from '../journal/parse-event.js';
import type { ConversationRegistry } from '../registry/conversation-registry.js';
import type { ConversationStore } from '../registry/conversation-store.js';
import { persistenceDir } from '../state/conversation-info.js';
import type { ConversationState } from '../state/conversation-state.js';
import { compare } from './compare.js';
import type { Divergence } from './divergence.js';
import { recordingOf, type Recording } from './recording.js';
import { ReplayError } from './replay-error.js';
import type { ReplayPlayer } from './replay-player.js';
import { FolderMapping } from './replay-texts.js';
import type { ReplayToolRegistry } from './replay-tools.js';

/** Longest recordings: they are read into memory. */
const MAX_EVENTS = 50_000;
const MAX_BYTES = 256 * 1024 * 1024;
const READ_LINES = 200;
/** So many divergences are told; the rest is counted. */
const MAX_TOLD = 200;
/** Time for all steps besides the calls of tools (ms). */
const OVERHEAD_MS = 30_000;

/** A recorded conversation, as it is stored. */
export interface Recorded {
  state: ConversationState;
  recording: Recording;
}

/** The outcome of a replay. */
export interface ReplayReport {
  conversation_id: string;
  outcome: 'same' | 'different';
  /** How many answers of the model the log has, and how many of them were given again. */
  recorded_answers: number;
  replayed_answers: number;
  recorded_status: string;
  replayed_status: string;
  divergences: Divergence[];
  /** Divergences that are not told. */
  more_divergences: number;
  /** Tools whose recorded results were taken, because they were not run. */
  played_tools: string[];
  /** What was left out. */
  notes: string[];
}

/** @throws ReplayError for what has no answers of a model; ConversationNotFoundError */
export async function readRecorded(store: Pick<ConversationStore, 'read'>, id: string): Promise<Recorded> {
  const { state, log } = await store.read(id);
  try {
    if (state.agent.kind === 'ACPAgent')
      throw new ReplayError(
        'its agent is an external one (ACP): the answers of its model are not in the log',
      );
    const recording = recordingOf(await branchEvents(log, state.leaf_event_id));
    if (recording.answers.length === 0) throw new ReplayError('its log has no answer of a model');
    return { state, recording };
  } finally {
    await log.close();
  }
}

async function branchEvents(log: LogReader, head: string | null): Promise<DurableEvent[]> {
  if (log.length > MAX_EVENTS)
    throw new ReplayError(`its log has ${log.length} events: a replay takes at most ${MAX_EVENTS}`);
  const seqs = await branchPath(log, log.length, head);
  const events: DurableEvent[] = [];
  let bytes = 0;
  for (let at = 0; at < seqs.length; at += READ_LINES) {
    for (const line of await log.readMany(seqs.slice(at, at + READ_LINES))) {
      bytes += line.length;
      if (bytes > MAX_BYTES) throw new ReplayError(`its log is larger than ${MAX_BYTES / 2 ** 20} MiB`);
      const event = await parseWithYield(line);
      if (event && isBranchEvent(event)) events.push(event);
    }
  }
  return events;
}

/** What a replay works with. */
export interface ReplayParts {
  registry: ConversationRegistry;
  store: ConversationStore;
  tools: ReplayToolRegistry;
  player: ReplayPlayer;
  config: AppConfig;
  /** Longest time of a step (ms). */
  limitMs: number;
}

/** The longest time of a replay (ms). @param stepMs of one step */
export function longestReplayMs(stepMs: number, answers: number): number {
  return Math.min(OVERHEAD_MS + stepMs * answers, MAX_TIMER_MS);
}

/** Runs a conversation against a recording and compares it with that. */
export class Replay {
  private readonly found: Divergence[] = [];

  constructor(
    private readonly recorded: Recorded,
    private readonly state: ConversationState,
    private readonly leftOut: string[],
    private readonly parts: ReplayParts,
  ) {}

  async run(signal: AbortSignal): Promise<ReplayReport> {
    const { registry, store } = this.parts;
    const { conversation } = await registry.create(this.state);
    const { recording } = this.recorded;
    const limit = AbortSignal.timeout(longestReplayMs(this.parts.limitMs, recording.answers.length));
    try {
      await this.play(conversation, AbortSignal.any([signal, limit]));
      await conversation.settled();
    } catch (error) {
      throw limit.aborted ? new ReplayError('it takes too long: see --step-limit') : error;
    } finally {
      await conversation.close(0);
    }
    signal.throwIfAborted();
    const { state, log } = await store.read(this.state.id);
    try {
      const replayed = recordingOf(await branchEvents(log, state.leaf_event_id));
      return this.report(replayed, this.finalStatus(state));
    } finally {
      await log.close();
    }
  }

  private async play(conversation: Conversation, signal: AbortSignal): Promise<void> {
    const { player } = this.parts;
    const { messages, answers } = this.recorded.recording;
    const send = async (from: number, to: number, run: boolean): Promise<void> => {
      for (const [offset, { llm_message }] of messages.slice(from, to).entries()) {
        if (run) await this.condenseBefore(from + offset, conversation);
        const message = { role: 'user' as const, content: this.toScratch(llm_message.content) };
        await conversation.sendMessage(message, run && from + offset === to - 1);
      }
    };
    player.onMessagesDue((from, to) => send(from, to, false));
    await conversation.agentRuntime.prepareView();
    while (player.answered < answers.length) {
      signal.throwIfAborted();
      const { answered, sent, messagesDue } = player;
      player.sent = messagesDue;
      if (messagesDue > sent) await send(sent, messagesDue, true);
      else await conversation.startRun();
      await untilAborted(signal, conversation.runsEnded());
      this.tellOfEarlyEnd(conversation.state.execution_status);
      // Without an answer in between it would be so for ever.
      if (player.answered === answered) return;
    }
  }

  /** Condenses the history where a person had it condensed: agents do that within their runs. */
  private async condenseBefore(message: number, conversation: Conversation): Promise<void> {
    const { player } = this.parts;
    const { condensedBefore } = this.recorded.recording;
    while (player.condensed < (condensedBefore[message] ?? 0)) {
      const { condensed } = player;
      // That it cannot be condensed any more is seen in what follows.
      await conversation.condense().catch(() => undefined);
      if (player.condensed === condensed) return;
    }
  }

  /** Tells of a run that stopped where the recorded one went on. */
  private tellOfEarlyEnd(status: string): void {
    const { player } = this.parts;
    const { next, answered } = player;
    const { answers } = this.recorded.recording;
    if (!next || (status !== 'error' && status !== 'stuck')) return;
    const last = answers[answered - 1];
    if (last && (next.stopsBefore > last.stopsBefore || next.messagesBefore > last.messagesBefore)) return;
    this.found.push({
      ...{
        step: answered,
        kind: 'status',
        summary: `the run ends as ${status} here; the recorded one went on`,
      },
      ...{ tool: null, event_id: null, diff: null },
    });
  }

  /** The status with which the replay ends where its recording does. */
  private finalStatus({ execution_status: status }: ConversationState): string {
    const { player } = this.parts;
    return player.isAskedBeyondEnd ? (player.isMessageLate ? 'finished' : 'running') : status;
  }

  private report(replayed: Recording, status: string): ReplayReport {
    const { tools, player } = this.parts;
    const { state, recording } = this.recorded;
    const divergences = [
      ...compare({
        ...{ recorded: recording, replayed, registry: tools },
        toRecorded: (text) => this.toRecorded(text),
        isRun: (name) => tools.isRun(name),
        readsMemory: tools.runs,
      }),
      ...this.found,
      ...this.ofStatus(status),
    ].sort((one, other) => one.step - other.step);
    return {
      conversation_id: state.id,
      outcome: divergences.length === 0 ? 'same' : 'different',
      recorded_answers: recording.answers.length,
      replayed_answers: player.answered,
      recorded_status: state.execution_status,
      replayed_status: status,
      divergences: divergences.slice(0, MAX_TOLD),
      more_divergences: Math.max(0, divergences.length - MAX_TOLD),
      played_tools: [...tools.played].sort(),
      notes: this.leftOut,
    };
  }

  /** Other ends, such as a pause, come from outside: a replay does not repeat them. */
  private ofStatus(status: string): Divergence[] {
    const { state, recording } = this.recorded;
    const { execution_status: before } = state;
    if ((before !== 'finished' && before !== 'stuck') || before === status) return [];
    const summary = `at the end the conversation was ${before}, now it is ${status}`;
    const step = recording.answers.length;
    return [{ ...{ step, kind: 'status', summary }, ...{ tool: null, event_id: null, diff: null } }];
  }

  private toScratch<T>(value: T): T {
    return new FolderMapping(this.recordedFolder, this.state.workspace.working_dir).applyTo(value);
  }

  /** Names the folders of the recorded conversation in a text of the replay. */
  private toRecorded(text: string): string {
    const { conversations_path } = this.parts.config;
    const [before, now] = [this.recorded.state.id, this.state.id].map((id) =>
      persistenceDir(conversations_path, id),
    );
    const folders = new FolderMapping(now ?? '', before ?? '').apply(text);
    return new FolderMapping(this.state.workspace.working_dir, this.recordedFolder).apply(folders);
  }

  private get recordedFolder(): string {
    return recordedFolder(this.recorded.state, this.parts.config);
  }
}

/** The absolute path of the workspace of a recorded conversation. */
export function recordedFolder({ workspace }: ConversationState, { base_dir }: AppConfig): string {
  return path.resolve(base_dir, workspace.working_dir);
}
