/** Longer texts are not read (UTF-16 units). */
const MAX_LENGTH = 1024 * 1024;
/** Most samples that are read. */
const MAX_SAMPLES = 5000;

/** One value of a metric. */
export interface MetricSample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

const SAMPLE = /^([A-Za-z_:][\w:]{0,199})(?:\{(.{0,2000})\})? (\S{1,40})/;
const LABEL = /([A-Za-z_]\w{0,99})="((?:[^"\\]|\\.){0,1000})"/g;

/**
 * Reads metrics in the text format of Prometheus, as far as it is needed here: names, labels and values.
 * Lines that are none are skipped.
 */
export function parseExposition(text: string): MetricSample[] {
  const samples: MetricSample[] = [];
  for (const line of text.slice(0, MAX_LENGTH).split('\n')) {
    if (line.startsWith('#')) continue;
    const [, name, labels = '', number = ''] = SAMPLE.exec(line) ?? [];
    if (name === undefined) continue;
    const value = number === '+Inf' ? Infinity : number === '-Inf' ? -Infinity : Number(number);
    if (Number.isNaN(value)) continue;
    samples.push({ name, labels: readLabels(labels), value });
    if (samples.length === MAX_SAMPLES) break;
  }
  return samples;
}

function readLabels(text: string): Record<string, string> {
  if (text === '') return {};
  return Object.fromEntries(
    [...text.matchAll(LABEL)].map(([, name = '', value = '']) => [
      name,
      value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)),
    ]),
  );
}
