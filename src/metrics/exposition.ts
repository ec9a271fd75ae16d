/** One value of a metric, identified by its labels. */
export interface Sample {
  value: number;
  labels?: Readonly<Record<string, string>>;
  /** Appended to the name of the metric, such as `_sum`. */
  suffix?: string;
}

/** A metric with its values. */
export interface Metric {
  name: string;
  help: string;
  type: 'counter' | 'gauge' | 'histogram';
  samples: readonly Sample[];
}

/** The content type of the exposition format. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Metrics in the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/).
 */
export function exposition(metrics: readonly Metric[]): string {
  return metrics
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ name, help, type, samples }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...samples.map(
        ({ value, labels, suffix = '' }) => `${name}${suffix}${braced(labels)} ${number(value)}`,
      ),
    ])
    .map((line) => `${line}\n`)
    .join('');
}

function braced(labels: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function number(value: number): string {
  return value === Infinity ? '+Inf' : String(value);
}
