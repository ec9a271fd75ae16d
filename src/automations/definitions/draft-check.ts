import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { DomainError, errorMessage, InvalidRequestError } from '../../errors/index.js';
import { model, readChecked, RequestValidationError } from '../../http/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { PluginPresetDto, PromptPresetDto, type ValidateDto } from '../api/automation.dto.js';
import { scriptsUnsupported } from '../automation-errors.js';
import { Clock } from '../clock.js';
import { EventSources } from '../intake/event-sources.js';
import { parseSchedule, ScheduleError } from '../schedule/cron-schedule.js';
import { scheduleText } from '../schedule/schedule-text.js';
import { AutomationsService } from './automations.service.js';
import type { CronTrigger, Trigger } from './trigger.js';

/** A problem of a draft. */
interface DraftProblem {
  /** Such as `trigger.schedule`; empty for the draft as a whole. */
  field: string;
  code: string;
  message: string;
}

/** What a check of a draft has found. */
export interface DraftReport {
  valid: boolean;
  errors: DraftProblem[];
  /** Whether the sample event matches; null: nobody can say. */
  sampleEventMatched: boolean | null;
  /** What the schedule means; null without a valid one. */
  schedule: ScheduleMeaning | null;
}

/** A schedule for people. */
interface ScheduleMeaning {
  /** In English. */
  text: string;
  /** The next instants, UTC. */
  next: string[];
}

/** Instants of a schedule that an answer shows. */
const SHOWN_INSTANTS = 3;

/** The kinds of triggers, which stand in the paths of problems but not in drafts. */
const UNION_TAGS: readonly unknown[] = ['cron', 'event', 'chain'];
/** The codes that clients know, by field. */
const CODES: Readonly<Record<string, string>> = {
  model: 'model_profile_not_found',
  agent_profile_id: 'invalid_agent_profile',
};

/** Checks drafts of automations as their creation would. */
@Injectable()
export class DraftCheck {
  constructor(
    private readonly automations: AutomationsService,
    private readonly sources: EventSources,
    private readonly clock: Clock,
  ) {}

  /** @throws UnsupportedError for drafts of scripts */
  async check({ endpoint, draft, sampleEvent }: ValidateDto, principal: Principal): Promise<DraftReport> {
    const dto = endpoint.endsWith('/preset/prompt')
      ? PromptPresetDto
      : endpoint.endsWith('/preset/plugin')
        ? PluginPresetDto
        : undefined;
    if (!dto) throw scriptsUnsupported();
    try {
      const read = readChecked(model(dto), draft, ['body']);
      if (!(read instanceof PromptPresetDto || read instanceof PluginPresetDto))
        throw new TypeError('no draft');
      const { trigger } = await this.automations.read(read, principal);
      return await this.report(trigger, sampleEvent);
    } catch (error) {
      return { valid: false, errors: problemsOf(error, draft), sampleEventMatched: null, schedule: null };
    }
  }

  private async report(trigger: Trigger, sampleEvent: JsonObject | null): Promise<DraftReport> {
    const report = { valid: true, errors: [], sampleEventMatched: null, schedule: null };
    if (trigger.type === 'cron') return { ...report, schedule: meaningOf(trigger, this.clock.now()) };
    if (trigger.type !== 'event') return report;
    const errors: DraftProblem[] = await this.sources.problemsOf(trigger);
    let sampleEventMatched: boolean | null = null;
    try {
      if (sampleEvent !== null) sampleEventMatched = this.sources.matches(trigger, sampleEvent);
    } catch (error) {
      sampleEventMatched = false;
      errors.push({
        field: 'trigger.filter',
        code: 'unparseable_sample_event',
        message: errorMessage(error),
      });
    }
    return { ...report, valid: errors.length === 0, errors, sampleEventMatched };
  }
}

function meaningOf({ schedule, timezone }: CronTrigger, now: number): ScheduleMeaning {
  const next: string[] = [];
  const parsed = parseSchedule(schedule, timezone);
  for (let at = parsed.next(now); at !== undefined && next.length < SHOWN_INSTANTS; at = parsed.next(at))
    next.push(new Date(at).toISOString());
  return { text: scheduleText(schedule, timezone), next };
}

function problemsOf(error: unknown, draft: object): DraftProblem[] {
  if (error instanceof RequestValidationError)
    return error.problems.slice(0, 50).map(({ path = [], type, msg }) => ({
      field: fieldOf(path),
      code: type,
      message: msg,
    }));
  if (!(error instanceof DomainError)) throw error;
  const field = error instanceof InvalidRequestError ? fieldOf(error.location) : '';
  const code = field === 'trigger.schedule' ? scheduleCode(draft) : (CODES[field] ?? 'invalid');
  return [{ field, code, message: error.message }];
}

function fieldOf(path: readonly unknown[]): string {
  const [first, ...rest] = path;
  const parts = first === 'body' ? rest : path;
  return parts.filter((part, index) => !(index === 1 && UNION_TAGS.includes(part))).join('.');
}

function scheduleCode(draft: object): string {
  const { schedule, timezone = 'UTC' } = asJsonObject(asJsonObject(draft)['trigger']);
  try {
    parseSchedule(String(schedule), String(timezone));
  } catch (error) {
    if (error instanceof ScheduleError) return error.code;
  }
  return 'invalid';
}
