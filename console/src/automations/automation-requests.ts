import { api, call } from '../api/client.js';
import type { Automation, Run } from './automation-texts.js';

/** What a form sends. */
export type AutomationBody = Record<string, unknown>;

const at = (automation_id: string) => ({ params: { path: { automation_id } } });

/** A page of the automations, the newest first. */
export function listAutomations(limit: number, signal: AbortSignal) {
  return call(api.GET('/api/automation/v1', { params: { query: { limit } }, signal }));
}

/** One automation. */
export function getAutomation(id: string, signal: AbortSignal): Promise<Automation> {
  return call(api.GET('/api/automation/v1/{automation_id}', { ...at(id), signal }));
}

/** The newest runs of an automation. */
export function listRuns(id: string, limit: number, signal: AbortSignal) {
  const params = { path: { automation_id: id }, query: { limit } };
  return call(api.GET('/api/automation/v1/{automation_id}/runs', { params, signal }));
}

/** Makes an automation. */
export function createAutomation(body: AutomationBody): Promise<Automation> {
  return call(api.POST('/api/automation/v1/preset/prompt', { body: body as never }));
}

/** Changes an automation. */
export function changeAutomation(id: string, body: AutomationBody): Promise<Automation> {
  return call(api.PATCH('/api/automation/v1/{automation_id}', { ...at(id), body: body as never }));
}

/** Deletes an automation. */
export async function deleteAutomation(id: string): Promise<void> {
  await call(api.DELETE('/api/automation/v1/{automation_id}', at(id)));
}

/** Starts a run by hand. */
export function runNow(id: string): Promise<Run> {
  return call(api.POST('/api/automation/v1/{automation_id}/dispatch', at(id)));
}

/** Stops a run. */
export function cancelRun(run_id: string): Promise<Run> {
  return call(api.POST('/api/automation/v1/runs/{run_id}/cancel', { params: { path: { run_id } } }));
}
