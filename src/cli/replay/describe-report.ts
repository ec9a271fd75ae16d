import type { ReplayReport } from '../../conversations/replay/replay.module.js';

/** The lines of a report for people. */
export function describeReport(report: ReplayReport): string[] {
  const { divergences, more_divergences: more, played_tools: played, notes } = report;
  return [
    `conversation ${report.conversation_id}: ${report.replayed_answers} of ${report.recorded_answers} answers ` +
      `replayed, ${report.recorded_status} then, ${report.replayed_status} now`,
    ...(played.length > 0 ? [`not run, with their recorded results: ${played.join(', ')}`] : []),
    ...notes,
    ...divergences.flatMap(({ step, summary, diff, event_id }) => [
      '',
      `${step === 0 ? 'before the first answer' : `answer ${step}`}: ${summary.replaceAll('\n', '\n    ')}` +
        (event_id === null ? '' : ` (event ${event_id})`),
      ...(diff === null ? [] : diff.split('\n').map((line) => `    ${line}`)),
    ]),
    '',
    divergences.length === 0 ? 'it goes the same way' : summaryOf(report, divergences.length + more),
  ];
}

function summaryOf({ divergences: [first] }: ReplayReport, count: number): string {
  const places = count === 1 ? '1 place' : `${count} places`;
  const where = first?.step === 0 ? 'before the first answer' : `at answer ${first?.step ?? 0}`;
  return `it goes another way in ${places}, first ${where}`;
}
