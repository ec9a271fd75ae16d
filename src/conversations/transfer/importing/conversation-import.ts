import type { DurableEvent } from '../../../events/index.js';
import type { BashHistories, EventLog, LeaseFence } from '../../../storage/index.js';
import { foldEvent, type ConversationState } from '../../state/conversation-state.js';
import type { ImportNotes } from '../reading/notes.js';
import type { SourceConversation } from '../reading/source-conversation.js';
import type { Reading } from '../reading/read-event.js';
import type { AgentFiles } from './agent-files.js';
import { recordInterruption } from './interrupted.js';
import { LogFold } from './log-fold.js';

/** Called with the size of each part that was read. */
export type OnEvents = (events: number, bytes: number) => void;

/** One conversation on its way into the storage. */
export class ConversationImport {
  /** How many events it has. */
  events = 0;

  constructor(
    private readonly source: SourceConversation,
    /** As stored with it. Changed to what it is when everything was read. */
    readonly state: ConversationState,
    /** How many events the stored state includes; undefined: all, or none of them. */
    private readonly logPosition: number | undefined,
    private readonly reading: Reading,
    private readonly notes: ImportNotes,
    private readonly onEvents: OnEvents,
  ) {}

  /** Reads everything and writes nothing. */
  async inspect(): Promise<void> {
    await this.readLog(() => Promise.resolve());
    if (this.state.execution_status === 'running') this.noteInterruption();
  }

  /** Writes the log and the files of a new conversation, before it exists. */
  async write(log: EventLog, fence: LeaseFence, files: AgentFiles, histories: BashHistories): Promise<void> {
    const { source, state, notes } = this;
    if (source.log.isOwn) await files.copyOwn();
    else await files.copyOriginal(this.reading.time);
    await files.copyBash(state.id, histories);
    await this.readLog(async (records) => log.append(log.length, fence, records));
    if (state.execution_status === 'running') {
      this.noteInterruption();
      await recordInterruption(state, log, fence);
    }
    await files.keep([...source.others, ...source.log.damaged]);
    if (notes.hasProblems) await files.writeReport();
  }

  private async readLog(
    append: (records: Parameters<EventLog['append']>[2]) => Promise<void>,
  ): Promise<void> {
    const { source, state, notes, logPosition } = this;
    const fold = logPosition === undefined ? new LogFold(state, notes) : undefined;
    const add = (event: DurableEvent, seq: number): void => {
      if (fold) fold.add(event);
      else if (seq >= (logPosition ?? 0)) foldEvent(state, event);
    };
    for await (const batch of source.log.batches(this.reading, notes)) {
      await append(batch.map(({ record }) => record));
      let bytes = 0;
      for (const { event, record } of batch) {
        add(event, this.events);
        this.events += 1;
        bytes += record.line.length + 1;
      }
      this.onEvents(batch.length, bytes);
    }
    fold?.apply(source.base !== undefined);
  }

  private noteInterruption(): void {
    this.notes.change('it was running: it is paused, and its open actions have failed, as after a crash');
  }
}
