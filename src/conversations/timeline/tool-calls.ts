import type { ACPToolCallEvent, ActionEvent } from '../../events/index.js';
import { callDetail } from './call-detail.js';
import { maskedLine } from './one-line.js';
import { acpFileUses, fileUses } from './file-uses.js';
import { MAX_OPEN, type FoldContext } from './fold-context.js';
import type { OpenCall } from './fold-state.js';
import { createSpan, type Span } from './span.js';

/** Tool calls, from their actions to their results. */
export class ToolCalls {
  constructor(private readonly context: FoldContext) {}

  /** The open call that an event is about. */
  of(event: { tool_call_id: string; action_id?: string }): OpenCall | undefined {
    return this.context.state.calls.find(({ actionId, callId }) =>
      event.action_id === undefined ? callId === event.tool_call_id : actionId === event.action_id,
    );
  }

  begin(event: ActionEvent): void {
    const { state, options } = this.context;
    this.open({
      actionId: event.id,
      callId: event.tool_call_id,
      name: event.tool_name,
      detail: callDetail(event, options.mask),
      start: state.now,
      index: state.callCount,
      files: fileUses(event.action),
    });
    state.callCount += 1;
  }

  /** Calls that were kept begin with the run that executes them. */
  resume(): void {
    const { state } = this.context;
    for (const call of state.calls) call.start = state.now;
    if (state.calls.length > 0) state.toolsSince = state.now;
  }

  /** @param byRestart a crash interrupted it: how long it ran is not known */
  end(
    seq: number,
    eventId: string,
    call: OpenCall | undefined,
    { failed, byRestart = false }: { failed: boolean; byRestart?: boolean },
  ): void {
    if (!call) return;
    const { state, sink } = this.context;
    const end = Math.max(byRestart ? state.lastWork : state.now, this.startOf(call));
    const span = this.spanOf(call, end, seq);
    const derived = byRestart ? [...span.derived, 'ended_at' as const] : span.derived;
    this.context.emit({ ...span, failed, derived, resultEventId: eventId });
    if (!failed) for (const use of call.files) sink.file(use, call.actionId, state.now);
    state.lastCallEnd = end;
    this.remove(call, end);
  }

  /** Removes a call that was rejected: no time went into it. */
  drop(call: OpenCall | undefined): void {
    const { toolsSince, lastCallEnd } = this.context.state;
    if (call) this.remove(call, Math.max(toolsSince, lastCallEnd));
  }

  /** A call of an ACP agent: one event when it begins, one when it ends. */
  foldAcp(seq: number, event: ACPToolCallEvent): void {
    const { state, options } = this.context;
    const known = this.of({ tool_call_id: event.tool_call_id });
    if (!known) {
      this.open({
        actionId: event.id,
        callId: event.tool_call_id,
        name: event.tool_kind ?? 'tool',
        detail: maskedLine(event.title, options.mask),
        start: state.now,
        index: 0,
        files: [],
      });
    }
    const call = known ?? state.calls.at(-1);
    if (!call || (event.status !== 'completed' && event.status !== 'failed')) return;
    call.files = acpFileUses(event);
    this.end(seq, event.id, call, { failed: event.is_error || event.status === 'failed' });
  }

  /** The calls that are executed now. Later ones of an answer wait until earlier ones have ended. */
  inProgress(seq: number): Span[] {
    const { state, options } = this.context;
    const running = state.calls.slice(0, Math.max(1, options.toolConcurrency));
    return running.map((call) => this.spanOf(call, undefined, seq));
  }

  private open(call: OpenCall): void {
    const { state } = this.context;
    if (state.calls.length >= MAX_OPEN) state.calls.shift();
    if (state.calls.length === 0) state.toolsSince = state.now;
    state.calls.push(call);
  }

  private remove(call: OpenCall, end: number): void {
    const { state, sink } = this.context;
    state.calls = state.calls.filter((open) => open !== call);
    if (state.calls.length > 0) return;
    sink.toolTime(Math.max(0, end - state.toolsSince), this.context.isCopied(end));
    state.idleSince = state.now;
  }

  private spanOf(call: OpenCall, end: number | undefined, seq: number): Span {
    const { actionId, name, detail, index } = call;
    return createSpan({
      id: actionId,
      kind: 'tool',
      name,
      detail,
      step: this.context.state.step,
      start: this.startOf(call),
      end,
      derived: index > 0 ? ['started_at'] : [],
      eventId: actionId,
      seq,
    });
  }

  private startOf({ start, index }: OpenCall): number {
    const { state, options } = this.context;
    return index < options.toolConcurrency ? start : Math.max(start, state.lastCallEnd);
  }
}
