export { type RunningTelemetry, startOpenTelemetry } from './start.js';
