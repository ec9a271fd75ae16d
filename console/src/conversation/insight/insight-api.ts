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
export type Checkpoint = Schemas['Checkpoint'];
export type CheckpointFile = Schemas['CheckpointFile'];
export type CheckpointPage = Schemas['CheckpointPage'];
export type RestoreResult = Schemas['RestoreResult'];

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

/** The last checkpoints, the newest first. @throws ApiError */
export function readCheckpoints(id: string, limit: number): Promise<CheckpointPage> {
  return call(
    api.GET('/api/conversations/{conversation_id}/checkpoints', {
      params: { path: { conversation_id: id }, query: { limit } },
    }),
  );
}

/** What to restore. */
export interface RestoreWish {
  step: number;
  mode: 'since' | 'only';
  paths: string[] | null;
}

/** Puts files back as they were before a step. @throws ApiError */
export function restoreFiles(
  id: string,
  { step, mode, paths }: RestoreWish,
  force: boolean,
): Promise<RestoreResult> {
  return call(
    api.POST('/api/conversations/{conversation_id}/restore', {
      params: { path: { conversation_id: id } },
      body: { step: String(step), mode, paths, force },
    }),
  );
}
