import { SPAN_KINDS, durationOf } from '../timeline/span.js';
import type { TimelineIndex } from '../timeline/timeline-index.js';
import type { BranchTree, PlacedSpan, TimelinePage } from '../timeline/timeline.service.js';
import { isoTime } from '../../events/index.js';
import type { JsonObject } from '../../json/index.js';

/** A page of the timeline as JSON. */
export function timelinePage({ spans, inProgress, next, index }: TimelinePage): JsonObject {
  return {
    items: spans.map(spanJson),
    next_page_id: next === undefined ? null : String(next),
    in_progress: inProgress.map(spanJson),
    totals: totalsJson(index),
    ...extent(index),
  };
}

/** The sums, series and files of a log as JSON. */
export function timelineSummary(index: TimelineIndex): JsonObject {
  const { totals, series, files, condensations } = index;
  const tools = [...totals.tools].map(([name, { count, failed, duration }]) => ({
    name,
    count,
    failed,
    duration_ms: rounded(duration),
  }));
  const models = [...totals.models].map(([name, sums]) => ({ name, ...sums }));
  return {
    totals: totalsJson(index),
    tools: tools.sort((one, other) => other.duration_ms - one.duration_ms),
    models: models.sort((one, other) => other.cost - one.cost),
    points: series.points.map((point) => ({ ...point, at: isoTime(point.at) })),
    condensations: condensations.map(({ at, step, event_id, forgotten }) => ({
      at: isoTime(at),
      step,
      event_id,
      forgotten_events: forgotten,
    })),
    files: files.list().map((file) => ({ ...file, last_at: isoTime(file.last_at) })),
    files_truncated: files.truncated,
    ...extent(index),
  };
}

/** The tree of branches as JSON. */
export function branchTree({ places, headId, truncated }: BranchTree): JsonObject {
  return {
    nodes: places.map((place) => ({
      event_id: place.eventId,
      parent_event_id: place.parentId,
      kind: place.kind,
      label: place.label,
      first_event_id: place.firstEventId,
      first_label: place.firstLabel,
      events: place.events,
      timestamp: Number.isNaN(place.at) ? null : isoTime(place.at),
      active: place.active,
      is_head: place.eventId === headId,
    })),
    head_event_id: headId,
    truncated,
  };
}

function spanJson({ span, active }: PlacedSpan): JsonObject {
  const { start, end, eventId, resultEventId, parentId, responseId, forgotten, seq: _seq, ...shown } = span;
  return {
    id: shown.id,
    kind: shown.kind,
    name: shown.name,
    detail: shown.detail,
    step: shown.step,
    started_at: isoTime(start),
    ended_at: end === undefined ? null : isoTime(end),
    duration_ms: end === undefined ? null : rounded(durationOf(span)),
    derived: shown.derived,
    event_id: eventId,
    result_event_id: resultEventId,
    parent_id: parentId,
    response_id: responseId,
    usage: shown.usage,
    failed: shown.failed,
    active,
    copied: shown.copied,
    forgotten_events: forgotten,
  };
}

function totalsJson({ totals }: TimelineIndex): JsonObject[] {
  return SPAN_KINDS.map((kind) => {
    const { count, failed, duration } = totals.kinds[kind];
    return { kind, count, failed, duration_ms: rounded(duration) };
  });
}

function extent(index: TimelineIndex): JsonObject {
  const { length, startedAt, now } = index;
  return {
    events: length,
    started_at: startedAt === undefined ? null : isoTime(startedAt),
    updated_at: startedAt === undefined ? null : isoTime(now),
  };
}

/** Microseconds are what events record. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
