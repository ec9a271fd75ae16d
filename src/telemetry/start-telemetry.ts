import { Logger } from '@nestjs/common';
import { settlesWithin } from '../flow/index.js';
import type { RunningTelemetry } from './opentelemetry/index.js';
import { chooseTelemetry } from './settings.js';
import { useTracer } from './tracing.js';

/** How long a shutdown waits for the last spans to be sent (ms). */
const FLUSH_MS = 2_000;

let running: RunningTelemetry | undefined;
let maskText = (text: string): string => text;

/** Masks secrets in all spans from now on. */
export function maskTelemetryWith(mask: (text: string) => string): void {
  maskText = mask;
}

/**
 * Switches traces on if the environment says so, for the whole process. Otherwise nothing of OpenTelemetry is
 * loaded.
 * @param about attributes of the server
 */
export async function startTelemetry(env: NodeJS.ProcessEnv, about: Record<string, string>): Promise<void> {
  const logger = new Logger('Telemetry');
  const { settings, warnings } = chooseTelemetry(env);
  for (const warning of warnings) logger.warn(`traces: ${warning}`);
  if (settings === undefined) return;
  const { startOpenTelemetry } = await import('./opentelemetry/index.js');
  running = startOpenTelemetry(settings, about, (text) => maskText(text));
  useTracer(running.tracer);
  const { origin, pathname } = new URL(settings.url);
  const contents = settings.capturesContent ? 'with' : 'without';
  logger.log(
    `traces: to ${origin}${pathname} (${settings.protocol}), ${contents} contents of messages and tools`,
  );
}

/** Sends the last spans, for at most two seconds. Never rejects. */
export async function stopTelemetry(): Promise<void> {
  if (running === undefined) return;
  const { shutdown } = running;
  running = undefined;
  await settlesWithin(shutdown(), FLUSH_MS);
}
