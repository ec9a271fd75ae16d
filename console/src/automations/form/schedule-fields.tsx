import { api, call } from '../../api/client.js';
import { useFetched } from '../../api/use-fetched.js';
import { useQuery } from '../../api/use-query.js';
import { TextField } from '../../ui/field.js';
import { visible } from '../../ui/safe-text.js';
import type { FormPart } from './form-part.js';

const PAUSE_MS = 300;
const PROPOSALS = [
  ['0 * * * *', 'every hour'],
  ['0 9 * * *', 'every day at 9:00'],
  ['0 9 * * 1-5', 'on weekdays at 9:00'],
  ['0 9 * * 1', 'on Mondays at 9:00'],
  ['0 9 1 * *', 'on the first of the month at 9:00'],
] as const;

/** The schedule and its time zone, with what they mean. */
export function ScheduleFields({ values, set, problemOf }: FormPart) {
  const { schedule, timezone } = values;
  const capabilities = useFetched((signal) => call(api.GET('/api/automation/v1/capabilities', { signal })));
  const preview = useQuery(
    schedule.trim() === '' ? null : JSON.stringify([schedule.trim(), timezone.trim()]),
    previewOf,
    PAUSE_MS,
  );
  const wrong = preview.data?.problem;
  return (
    <>
      <div class="form two-columns">
        <TextField
          label="Schedule"
          required
          proposals="automation-schedules"
          placeholder="0 9 * * 1-5"
          help="Cron: minute, hour, day of the month, month, day of the week."
          value={schedule}
          problem={problemOf('schedule')}
          onValue={(text) => set({ schedule: text })}
        />
        <datalist id="automation-schedules">
          {PROPOSALS.map(([value, label]) => (
            <option key={value} value={value} label={label} />
          ))}
        </datalist>
        <TextField
          label="Time zone"
          required
          proposals="automation-zones"
          value={timezone}
          problem={problemOf('timezone')}
          onValue={(text) => set({ timezone: text })}
        />
        <datalist id="automation-zones">
          {capabilities.data?.triggers.cron.timezones.map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
      </div>
      <p class="automations-preview" role="status" aria-live="polite">
        {wrong !== undefined ? (
          <span class="field-problem">{visible(wrong)}</span>
        ) : preview.data === undefined ? (
          <span class="fainter">…</span>
        ) : (
          <>
            <strong>{visible(preview.data.text)}</strong>
            <span class="soft"> Next: {preview.data.next.map(inZone(timezone)).join('; ')}</span>
          </>
        )}
      </p>
    </>
  );
}

/** What a schedule means, or what is wrong with it. */
interface Preview {
  text: string;
  next: readonly string[];
  problem?: string;
}

async function previewOf(question: string, signal: AbortSignal): Promise<Preview> {
  const [schedule, timezone] = JSON.parse(question) as [string, string];
  const draft = { name: 'preview', prompt: 'preview', trigger: { type: 'cron', schedule, timezone } };
  const body = { endpoint: '/v1/preset/prompt', draft };
  const { errors, schedule: meaning } = await call(
    api.POST('/api/automation/v1/validate', { body: body as never, signal }),
  );
  const problem = errors.find(({ field }) => field.startsWith('trigger'));
  if (problem !== undefined || meaning === null)
    return { text: '', next: [], problem: problem?.message ?? 'This is no schedule.' };
  return { text: meaning.text, next: meaning.next };
}

/** A time by the clocks of a zone. */
function inZone(timezone: string): (at: string) => string {
  return (at) => {
    try {
      const format = { timeZone: timezone.trim(), dateStyle: 'medium', timeStyle: 'short' } as const;
      return new Intl.DateTimeFormat(undefined, format).format(new Date(at));
    } catch {
      return at;
    }
  };
}
