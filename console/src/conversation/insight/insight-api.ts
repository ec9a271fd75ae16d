import { api, call } from '../../api/client.js';
import type { components } from '../../../../openapi.js';

type Schemas = components['schemas'];
export type Span = Schemas['TimelineSpan'];
export type SpanKind = Span['kind'];
export type TimelinePage = Schemas['TimelinePage'];
export type KindTotal = Schemas['TimelineKindTotal'];
export type Summary = Schemas['TimelineSummary'];
export type UsagePoint = Schemas['TimelinePoint'];
export type BranchNode = Schemas['BranchNode'];
export type BranchTree = Schemas['BranchTree'];

/** A page of spans, the last first. @throws ApiError */
export function readTimeline(id: string, limit: number, pageId?: string): Promise<TimelinePage> {
  const query = { limit, ...(pageId !== undefined && { page_id: Number(pageId) }) };
  return call(
    api.GET('/api/conversations/{conversation_id}/timeline', {
      params: { path: { conversation_id: id }, query },
    }),
  );
}

/** Sums, series and files of a whole log. @throws ApiError */
export function readSummary(id: string): Promise<Summary> {
  return call(
    api.GET('/api/conversations/{conversation_id}/timeline/summary', {
      params: { path: { conversation_id: id } },
    }),
  );
}

/** The tree of branches. @throws ApiError */
export function readBranches(id: string): Promise<BranchTree> {
  return call(
    api.GET('/api/conversations/{conversation_id}/branches', { params: { path: { conversation_id: id } } }),
  );
}
