import { readdir } from 'node:fs/promises';
import process from 'node:process';
import type { LoopDelay } from '../server/index.js';
import type { Metric, Sample } from './exposition.js';

const one = (value: number): Sample[] => [{ value }];

/** The process itself, under the names that dashboards for Node.js know. */
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
      'How late the event loop was in the last minute or two with work.',
      delay ? one(delay[part] / 1000) : [],
    );
  return [
    {
      name: 'process_cpu_seconds_total',
      help: 'Processor time of the server; commands of agents are processes of their own.',
      type: 'counter',
      samples: one((user + system) / 1e6),
    },
    gauge('process_start_time_seconds', 'When it started.', one(Date.now() / 1000 - process.uptime())),
    gauge('process_resident_memory_bytes', 'Memory of the server.', one(rss)),
    gauge('nodejs_heap_size_total_bytes', 'Heap of JavaScript.', one(heapTotal)),
    gauge('nodejs_heap_size_used_bytes', 'What is used of it.', one(heapUsed)),
    gauge('nodejs_external_memory_bytes', 'Memory outside of the heap.', one(external)),
    gauge('nodejs_array_buffers_bytes', 'Buffers, a part of that.', one(arrayBuffers)),
    gauge('process_open_fds', 'Open files and sockets.', await openFiles()),
    gauge('nodejs_active_resources', 'What the event loop waits for.', activeResources()),
    lag('p50'),
    lag('p99'),
    lag('max'),
  ];
}

/** Only Linux tells them. */
async function openFiles(): Promise<Sample[]> {
  const files = await readdir('/proc/self/fd').catch(() => undefined);
  // One of them is the folder that is just read.
  return files ? one(files.length - 1) : [];
}

function activeResources(): Sample[] {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts].map(([type, value]) => ({ value, labels: { type } }));
}
