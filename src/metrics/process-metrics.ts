import { readdir } from 'node:fs/promises';
import process from 'node:process';
import type { LoopDelay } from '../server/index.js';
import type { Metric, Sample } from './exposition.js';

const one = (value: number): Sample[] => [{ value }];

/** Metrics of the process, with the names that dashboards for Node.js use. */
export async function processMetrics(delay: LoopDelay | null): Promise<Metric[]> {
  const { user, system } = process.cpuUsage();
  const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const gauge = (name: string, help: string, samples: readonly Sample[]): Metric => ({
    name,
    help,
    type: 'gauge',
    samples,
  });
  const lag = (part: keyof LoopDelay): Metric =>
    gauge(
      `nodejs_eventloop_lag_${part}_seconds`,
      'Event loop delay in the last one to two minutes with work.',
      delay ? one(delay[part] / 1000) : [],
    );
  return [
    {
      name: 'process_cpu_seconds_total',
      help: 'CPU time of the server process, without the commands of agents.',
      type: 'counter',
      samples: one((user + system) / 1e6),
    },
    gauge(
      'process_start_time_seconds',
      'Start time of the process.',
      one(Date.now() / 1000 - process.uptime()),
    ),
    gauge('process_resident_memory_bytes', 'Resident memory of the process.', one(rss)),
    gauge('nodejs_heap_size_total_bytes', 'Size of the JavaScript heap.', one(heapTotal)),
    gauge('nodejs_heap_size_used_bytes', 'Used size of the JavaScript heap.', one(heapUsed)),
    gauge('nodejs_external_memory_bytes', 'Memory outside the heap.', one(external)),
    gauge('nodejs_array_buffers_bytes', 'Memory of buffers, part of the external memory.', one(arrayBuffers)),
    gauge('process_open_fds', 'Open files and sockets.', await openFiles()),
    gauge('nodejs_active_resources', 'Resources that keep the event loop alive, by type.', activeResources()),
    lag('p50'),
    lag('p99'),
    lag('max'),
  ];
}

/** Available on Linux only. */
async function openFiles(): Promise<Sample[]> {
  const files = await readdir('/proc/self/fd').catch(() => undefined);
  // One of them is the folder that is being read.
  return files ? one(files.length - 1) : [];
}

function activeResources(): Sample[] {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts].map(([type, value]) => ({ value, labels: { type } }));
}
